// SPDX-License-Identifier: Apache-2.0

/// Sends one large input through a fleet and watches the memory of all processes.
struct MemoryBench: Sendable {
    /// What the batch consists of.
    let input: BenchInput
    /// Longest time for it.
    let limit: Duration

    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(100)

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        BenchRun.say("writing \(FigureText.mebibytes(Int64(input.bytes))) of input")
        let (path, input) = (fleet.directory.input, input)
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
