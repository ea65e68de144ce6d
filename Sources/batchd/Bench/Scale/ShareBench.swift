// SPDX-License-Identifier: Apache-2.0

/// Several workers on one backend with a cap that holds for all of them together.
struct ShareBench: Sendable {
    /// What each batch consists of.
    let input: BenchInput
    /// Worker processes.
    let workers: Int
    /// Calls that all workers together may have in flight; the backend refuses further ones.
    let cap: Int
    /// What the backend takes for an answer.
    let latency: Duration
    /// How many batches, each with fresh workers.
    let count: Int
    /// Longest time for one batch.
    let limit: Duration

    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(15)

    /// One batch.
    struct Run: Hashable, Sendable {
        /// From `in_progress` to `completed`.
        var wall: Duration
        /// Calls that the backend refused because the cap was passed.
        var refused: Int64
        /// Most calls in flight at the same time.
        var peak: Int64
        /// Calls of each worker, fewest first.
        var calls: [Int64]
        /// Lines without a successful answer.
        var lost: Int64
    }

    /// The shortest time that the cap allows.
    var ideal: Duration { latency * Double(input.lines) / Double(cap) }

    /// Runs all batches in a fleet that has nothing started yet but the backend.
    func run(in fleet: BenchFleet, backend: BenchBackend) async throws -> BenchReport {
        let before = MachineState.current
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        var runs: [Run] = []
        for number in 1...count {
            for index in 0..<workers { try await fleet.startWorker(index) }
            BenchRun.say("batch \(number) of \(count), ideally \(FigureText.fixed(ideal.inSeconds, 1)) s")
            let start = try await backend.counters()
            let figures = try await BatchPassage(
                client: client, input: input, directory: fleet.directory, processes: fleet.processes,
                pollEvery: Self.pollEvery, deadline: .now + limit
            ).run()
            let end = try await backend.counters()
            var calls: [Int64] = []
            for index in 0..<workers { calls.append(try await fleet.stopWorker(index).calls) }
            let stages = figures.stages.filter { $0.stage == .run || $0.stage == .finalize }
            let run = Run(
                wall: stages.reduce(.zero) { $0 + $1.wall }, refused: end.refused - start.refused,
                peak: end.peak_in_flight, calls: calls.sorted(), lost: figures.failed)
            BenchRun.say(
                "\(FigureText.fixed(ideal.inSeconds / run.wall.inSeconds, 3)) of ideal, calls by worker \(run.calls)")
            runs.append(run)
        }
        return ShareReport(
            bench: self, runs: runs, surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
        ).report
    }
}
