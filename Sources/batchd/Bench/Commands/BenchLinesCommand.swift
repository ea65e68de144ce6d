// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore

/// `batchd bench lines`.
struct BenchLinesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lines",
        abstract: "Lines per second and processor time per line, by stage: upload, split, run, finalize, download.",
        discussion: """
            Without --backend the built-in model answers, so that only the product is measured; with it the lines are \
            chat completions of a model named `bench`.
            """)

    @Option(help: "Lines of the batch.")
    var lines = 100_000

    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    @Option(help: "Batches, one after another, each with a fresh worker; the one in the middle is shown.")
    var `repeat` = 1

    @Option(help: "Base URL of an OpenAI-compatible server, or `none` for the built-in model.")
    var backend = "none"

    @Option(help: "Calls in flight of the worker.")
    var concurrency = 256

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...1_000).contains(`repeat`) else { throw ValidationError("--repeat must be 1…1000") }
        _ = try options.batchLimit
    }

    func run() async throws {
        let isBuiltIn = backend == "none"
        var plan = options.plan
        plan.backend = isBuiltIn ? nil : backend
        plan.concurrency = concurrency
        let bench = LinesBench(
            lines: lines, lineBytes: lineBytes, count: `repeat`,
            endpoint: isBuiltIn ? .test : .chatCompletions, model: isBuiltIn ? Endpoint.testModel : "bench",
            modelName: isBuiltIn ? "built-in model" : backend, concurrency: concurrency,
            limit: try options.batchLimit)
        try await BenchRun.run(plan, json: options.json) { try await bench.run(in: $0) }
    }
}

/// Sends the same input through a fleet several times.
struct LinesBench: Sendable {
    /// Lines of a batch.
    let lines: Int
    /// Bytes of a line.
    let lineBytes: Int
    /// How many batches.
    let count: Int
    /// The path that lines name.
    let endpoint: Endpoint
    /// The model that lines name.
    let model: String
    /// What the report calls it.
    let modelName: String
    /// Calls in flight of the worker.
    let concurrency: Int
    /// Longest time for one batch.
    let limit: Duration

    /// Time between two looks at the batch: stages are told apart with this precision.
    static let pollEvery = Duration.milliseconds(15)

    /// Runs all of it.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        let input = try BenchInput(
            lines: lines, lineBytes: lineBytes, endpoint: endpoint.rawValue, model: model)
        BenchRun.say("writing \(FigureText.mebibytes(Int64(input.bytes))) of input")
        let path = fleet.directory.input
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
