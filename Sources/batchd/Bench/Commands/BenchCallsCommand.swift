// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore

/// `batchd bench calls`.
struct BenchCallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls",
        abstract: "A whole batch against a bare HTTP client loop, both on a backend without latency.",
        discussion: """
            Starts nginx (one process, a fixed chat completion of about 600 bytes). Each round first sends as many \
            requests with a bare libcurl loop, then runs the batch with one worker, and compares the time from \
            in_progress to completed.
            """)

    /// Lines of the batch.
    @Option(help: "Lines of the batch.")
    var lines = 50_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// How many rounds.
    @Option(help: "Rounds, each with a fresh worker.")
    var `repeat` = 5

    /// Calls in flight of the worker.
    @Option(help: "Calls in flight of the worker, and connections of the bare loop.")
    var concurrency = 256

    /// The program.
    @Option(help: "The nginx program.")
    var nginx = "nginx"

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
        let server = try await NginxServer.start(nginx, in: plan.parent)
        plan.backend = server.url
        plan.concurrency = concurrency
        do {
            let bench = CallsBench(
                input: try input, count: `repeat`, concurrency: concurrency, limit: try options.batchLimit,
                backend: server)
            try await BenchRun.run(plan, json: options.json) { try await bench.run(in: $0) }
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    private var input: BenchInput {
        get throws {
            try BenchOptions.usable("--lines \(lines) --line-bytes \(lineBytes)") {
                try BenchInput(
                    lines: lines, lineBytes: lineBytes, endpoint: Endpoint.chatCompletions.rawValue, model: "bench")
            }
        }
    }
}
