// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl
import Glibc

/// Holds a whole batch against the least that a client can do: both call the same backend without latency, in turn.
struct CallsBench: Sendable {
    /// What each batch consists of.
    let input: BenchInput
    /// How many rounds; each has both.
    let count: Int
    /// Calls in flight of the worker, and connections of the bare loop.
    let concurrency: Int
    /// Longest time for one batch.
    let limit: Duration
    /// The backend.
    let backend: NginxServer

    /// Time between two looks at the batch: every look costs the coordinator and PostgreSQL something, too.
    private static let pollEvery = Duration.milliseconds(50)

    /// One round.
    struct Round: Sendable {
        /// The bare loop's time for as many requests as the batch has lines.
        var bare: Duration
        /// Its processor seconds.
        var bareCPU: Double
        /// The batch from `in_progress` to `completed`.
        var batch: Duration
        /// What the processes used meanwhile.
        var cpu: CPUReading
        /// What the backend used meanwhile.
        var backendCPU: Double
        /// The worker's own account.
        var account: WorkerAccount
    }

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        BenchRun.say("writing \(FigureText.mebibytes(Int64(input.bytes))) of input")
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        let before = MachineState.current
        var rounds: [Round] = []
        for number in 1...count {
            BenchRun.say("round \(number) of \(count)")
            let (bare, bareCPU) = try await runBare()
            try await fleet.startWorker()
            let backendBefore = backend.cpuSeconds
            let figures = try await BatchPassage(
                client: client, input: input, directory: fleet.directory, processes: fleet.processes,
                pollEvery: Self.pollEvery, deadline: .now + limit
            ).run()
            let backendCPU = backend.cpuSeconds - backendBefore
            guard figures.failed == 0 else { throw BenchFault("\(figures.failed) lines failed: no figures") }
            let stages = figures.stages.filter { $0.stage == .run || $0.stage == .finalize }
            rounds.append(
                Round(
                    bare: bare, bareCPU: bareCPU, batch: stages.reduce(.zero) { $0 + $1.wall },
                    cpu: stages.reduce(CPUReading()) { $0 + $1.cpu }, backendCPU: backendCPU,
                    account: try await fleet.stopWorker()))
        }
        return CallsReport(
            input: input, concurrency: concurrency, machine: (before, .current), rounds: rounds
        ).report
    }

    /// The same number of requests with bodies of the same size, by a bare loop.
    private func runBare() async throws -> (Duration, Double) {
        var words = RandomWords()
        var line: [UInt8] = []
        input.appendLine(0, &words, to: &line)
        // About the bytes that the worker sends: the line without its frame.
        let loop = BareLoop(
            url: backend.url + "/chat/completions", body: Array(line.dropFirst(100)), connections: concurrency)
        let lines = input.lines
        let cpu = Self.ownSeconds
        let start = ContinuousClock.now
        let answered = try await BlockingWork.run { loop.run(lines) }
        let wall = ContinuousClock.now - start
        guard answered == lines else { throw BenchFault("\(lines - answered) of \(lines) bare requests failed") }
        return (wall, Self.ownSeconds - cpu)
    }

    /// Processor seconds of this process.
    private static var ownSeconds: Double {
        Double(ProcessStat.read(getpid())?.ticks ?? 0) / Double(ProcessStat.ticksPerSecond)
    }
}
