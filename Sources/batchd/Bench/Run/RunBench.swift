// SPDX-License-Identifier: Apache-2.0
import Glibc

/// `batchctl run` against a backend, next to any other client with the same concurrency.
struct RunBench: Sendable {
    /// What is sent.
    let input: BenchInput
    /// How the backend behaves.
    let plan: BackendPlan
    /// Calls in flight at most.
    let concurrency: Int
    /// How many rounds.
    let count: Int
    /// Longest time for one client.
    let limit: Duration
    /// The other client: called with input, output, base URL and concurrency; empty: none.
    let other: [String]
    /// Where the bench makes its directory.
    let parent: String
    /// The program under test.
    let program: String

    /// Runs it and tells the figures.
    func run(environment: [String: String]) async throws -> BenchReport {
        let directory = try BenchDirectory.make(in: parent)
        defer { directory.remove() }
        try await BlockingWork.run { try input.write(to: directory.input) }
        let backend = try await BenchBackend.start(plan, environment: environment, directory: directory)
        do {
            let before = MachineState.current
            var rounds: [[ClientRun]] = []
            for round in 1...count {
                BenchRun.say("round \(round) of \(count)")
                rounds.append(try await clients(backend, environment, directory))
            }
            await backend.process.stop()
            return RunFigures(
                input: input, plan: plan, concurrency: concurrency, rounds: rounds,
                surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
            ).report
        } catch {
            await backend.process.stop()
            throw error
        }
    }

    private func clients(
        _ backend: BenchBackend, _ environment: [String: String], _ directory: BenchDirectory
    ) async throws -> [ClientRun] {
        let log = directory.path + "/client.log"
        let ours = [
            program, "run", "-i", directory.input, "-o", directory.output, "--base-url", backend.url,
            "--max-inflight", String(concurrency), "--force",
        ]
        var runs = [
            try await ClientRun.run("batchctl run", ours, environment: environment, log: log, limit: limit)
        ]
        try await BlockingWork.run { try checkOrder(directory.output) }
        if !other.isEmpty {
            let command = other + [directory.input, directory.errors, backend.url, String(concurrency)]
            runs.append(
                try await ClientRun.run("other client", command, environment: environment, log: log, limit: limit))
        }
        return runs
    }

    /// Every line has one result, under its own id, in order.
    private func checkOrder(_ path: String) throws {
        var found = 0
        guard let file = fopen(path, "r") else { throw PrivateClusterError.system("read", path, code: errno) }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0, let line {
            let id = "\"custom_id\":\"\(BenchInput.customID(found))\""
            guard strstr(line, id) != nil else { throw BenchFault("result \(found + 1) is not that of its line") }
            found += 1
        }
        guard found == input.lines else { throw BenchFault("\(found) results for \(input.lines) lines") }
    }
}
