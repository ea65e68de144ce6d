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

    /// Lines of the batch.
    @Option(help: "Lines of the batch.")
    var lines = 100_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// How many batches.
    @Option(help: "Batches, one after another, each with a fresh worker; the one in the middle is shown.")
    var `repeat` = 1

    /// A backend's base URL, or `none`.
    @Option(help: "Base URL of an OpenAI-compatible server, or `none` for the built-in model.")
    var backend = "none"

    /// Calls in flight of the worker.
    @Option(help: "Calls in flight of the worker.")
    var concurrency = 256

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...1_000).contains(`repeat`) else { throw ValidationError("--repeat must be 1…1000") }
        _ = try (options.batchLimit, input)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        var plan = options.plan
        plan.backend = isBuiltIn ? nil : backend
        plan.concurrency = concurrency
        let bench = LinesBench(
            input: try input, count: `repeat`, modelName: isBuiltIn ? "built-in model" : backend,
            concurrency: concurrency, limit: try options.batchLimit)
        try await BenchRun.run(plan, json: options.json) { try await bench.run(in: $0) }
    }

    private var isBuiltIn: Bool { backend == "none" }

    private var input: BenchInput {
        get throws {
            try BenchOptions.usable("--lines \(lines) --line-bytes \(lineBytes)") {
                try BenchInput(
                    lines: lines, lineBytes: lineBytes,
                    endpoint: (isBuiltIn ? Endpoint.test : .chatCompletions).rawValue,
                    model: isBuiltIn ? Endpoint.testModel : "bench")
            }
        }
    }
}
