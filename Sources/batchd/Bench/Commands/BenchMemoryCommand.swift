// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore

/// `batchd bench memory`.
struct BenchMemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "The largest resident set of every process while a large batch goes through everything.",
        discussion: "Exit code 0 when every process stayed under 256 MiB, 1 when one did not.")

    @Option(help: "Lines of the batch.")
    var lines = 1_000_000

    @Option(help: "Bytes of the input file, such as 1GiB.")
    var bytes = "1GiB"

    @OptionGroup var options: BenchOptions

    func validate() throws {
        _ = try options.batchLimit
        _ = try inputBytes
    }

    func run() async throws {
        let bench = MemoryBench(lines: lines, bytes: try inputBytes, limit: try options.batchLimit)
        try await BenchRun.run(options.plan, json: options.json) { try await bench.run(in: $0) }
    }

    private var inputBytes: Int {
        get throws {
            do {
                return Int(try SettingText.bytes(bytes))
            } catch {
                throw ValidationError("--bytes is \"\(bytes)\": \(error)")
            }
        }
    }
}

/// Sends one large input through a fleet and watches the memory of all processes.
struct MemoryBench: Sendable {
    /// Lines of the batch.
    let lines: Int
    /// Bytes of its input file.
    let bytes: Int
    /// Longest time for it.
    let limit: Duration

    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(100)

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        let input = try BenchInput(
            lines: lines, bytes: bytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        BenchRun.say("writing \(FigureText.mebibytes(Int64(bytes))) of input")
        let path = fleet.directory.input
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        try await fleet.startWorker()
        let before = MachineState.current
        let peaks = MemoryPeaks()
        let passage = BatchPassage(
            client: client, input: input, directory: fleet.directory, processes: fleet.processes,
            pollEvery: Self.pollEvery, deadline: .now + limit)
        BenchRun.say("one batch through everything")
        let figures = try await withThrowingTaskGroup(of: BatchPassage.Figures?.self) { group in
            group.addTask {
                await peaks.watch { fleet.processes }
                return nil
            }
            group.addTask { try await passage.run() }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        peaks.look(at: fleet.processes)
        let surroundings = BenchSurroundings(before: before, after: .current, othersCores: nil)
        return MemoryReport(
            input: input, peaks: peaks.bytes, surroundings: surroundings, stages: figures?.stages ?? []
        ).report
    }
}
