// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchCore
import Foundation

/// `batchd bench run`.
struct BenchRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "batchctl run against a made-up backend, next to another client if one is given.",
        discussion: """
            Starts the backend as a process of its own, then `batchctl run`, then the other client, and counts lines \
            per second, processor time and memory of whole processes. The repository has a client to compare with:

              --other "python Tests/Python/asyncio_client.py"
            """)

    /// Lines of the input.
    @Option(help: "Lines of the input.")
    var lines = 20_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// Time from a request to its answer.
    @Option(help: "Time from a request to its answer: 200ms, or a range such as 2s-10s.")
    var latency = "0"

    /// Calls in flight.
    @Option(help: "Calls in flight at most.")
    var concurrency = 256

    /// How many rounds.
    @Option(help: "Rounds.")
    var `repeat` = 3

    /// The other client.
    @Option(help: "Another client's command, called with INPUT OUTPUT BASE_URL CONCURRENCY behind it.")
    var other = ""

    /// The program under test.
    @Option(help: "The batchctl program (default: the one beside this program).")
    var batchctl: String?

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...1_000).contains(`repeat`) else { throw ValidationError("--repeat must be 1…1000") }
        guard (1...20_000).contains(concurrency) else { throw ValidationError("--concurrency must be 1…20000") }
        _ = try (options.batchLimit, input, plan)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let bench = RunBench(
            input: try input, plan: try plan, concurrency: concurrency, count: `repeat`,
            limit: try options.batchLimit, other: other.split(separator: " ").map(String.init),
            parent: options.plan.parent,
            program: batchctl ?? own.deletingLastPathComponent().appendingPathComponent("batchctl").path)
        try await BenchRun.reporting(json: options.json) { try await bench.run(environment: $0) }
    }

    private var plan: BackendPlan {
        get throws {
            BackendPlan(latency: try BenchOptions.usable("--latency \(latency)") { try BackendPlan.latency(latency) })
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
