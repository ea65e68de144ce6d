// SPDX-License-Identifier: Apache-2.0

/// Sends the same input through a fleet several times.
struct LinesBench: Sendable {
    /// What each batch consists of.
    let input: BenchInput
    /// How many batches.
    let count: Int
    /// What the report calls the model.
    let modelName: String
    /// Calls in flight of the worker.
    let concurrency: Int
    /// Longest time for one batch.
    let limit: Duration

    /// Time between two looks at the batch: stages are told apart with this precision.
    static let pollEvery = Duration.milliseconds(15)

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        BenchRun.say("writing \(FigureText.mebibytes(Int64(input.bytes))) of input")
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        let before = MachineState.current
        var runs: [LinesReport.Run] = []
        for number in 1...count {
            try await fleet.startWorker()
            BenchRun.say("batch \(number) of \(count)")
            let figures = try await BatchPassage(
                client: client, input: input, directory: fleet.directory, processes: fleet.processes,
                pollEvery: Self.pollEvery, deadline: .now + limit
            ).run()
            let account = try await fleet.stopWorker()
            runs.append(LinesReport.Run(stages: figures.stages, account: account, failed: figures.failed))
        }
        return LinesReport(
            input: input, model: modelName, concurrency: concurrency, machine: (before, .current), runs: runs
        ).report
    }
}
