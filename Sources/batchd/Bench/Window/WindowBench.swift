// SPDX-License-Identifier: Apache-2.0

/// Sends batches to a backend with a limit that the worker does not know, and compares with the best that is possible.
struct WindowBench: Sendable {
    /// What each batch consists of.
    let input: BenchInput
    /// Calls that the backend answers at the same time.
    let slots: Int
    /// What it takes for an answer.
    let latency: Duration
    /// How many batches, each with a fresh worker.
    let count: Int
    /// Longest time for one batch.
    let limit: Duration

    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(15)

    /// One batch.
    struct Run: Hashable, Sendable {
        /// From `in_progress` to `completed`.
        var wall: Duration
        /// Calls that the backend saw.
        var requests: Int64
        /// Of these, refused ones.
        var refused: Int64
        /// Lines without a successful answer.
        var lost: Int64
        /// Most calls that the backend was answering at the same time.
        var peak: Int64
        /// Processor seconds of the worker.
        var workerCPU: Double
    }

    /// The shortest time that the backend allows.
    var ideal: Duration { latency * Double(input.lines) / Double(slots) }

    /// Runs all batches in a fleet that has nothing started yet but the backend.
    func run(in fleet: BenchFleet, backend: BenchBackend) async throws -> WindowReport {
        let before = MachineState.current
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        var runs: [Run] = []
        for number in 1...count {
            try await fleet.startWorker()
            BenchRun.say(
                "\(slots) slots, batch \(number) of \(count), ideally \(FigureText.fixed(ideal.inSeconds, 1)) s")
            let start = try await backend.counters()
            let figures = try await BatchPassage(
                client: client, input: input, directory: fleet.directory, processes: fleet.processes,
                pollEvery: Self.pollEvery, deadline: .now + limit
            ).run()
            let end = try await backend.counters()
            let stages = figures.stages.filter { $0.stage == .run || $0.stage == .finalize }
            let run = Run(
                wall: stages.reduce(.zero) { $0 + $1.wall }, requests: end.calls - start.calls,
                refused: end.refused - start.refused, lost: figures.failed, peak: end.peak_in_flight,
                workerCPU: stages.reduce(0) { $0 + $1.cpu.worker })
            BenchRun.say(
                """
                \(FigureText.fixed(run.wall.inSeconds, 2)) s, \
                \(FigureText.fixed(ideal.inSeconds / run.wall.inSeconds, 3)) of ideal, \(run.requests) requests, \
                \(run.lost) lines lost
                """)
            runs.append(run)
            _ = try await fleet.stopWorker()
        }
        return WindowReport(
            input: input, slots: slots, latency: latency, ideal: ideal, runs: runs,
            surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil))
    }
}
