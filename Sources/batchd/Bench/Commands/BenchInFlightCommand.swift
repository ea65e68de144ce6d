// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench inflight`.
struct BenchInFlightCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inflight",
        abstract: "Memory and rate of one worker that has thousands of slow calls in flight.",
        discussion: """
            The worker's window starts at the full number, so that the rate is measured and not the search for it. \
            Exit code 0 when no line was lost.
            """)

    /// Calls in flight.
    @Option(help: "Calls in flight.")
    var calls = 10_000

    /// Lines of a batch.
    @Option(help: "Lines of each batch; at least six times the calls give a steady state.")
    var lines = 100_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// What the backend takes for an answer.
    @Option(help: "What the backend takes for an answer.")
    var latency = "2s-10s"

    /// How many batches.
    @Option(help: "Batches, each with a fresh worker; medians are reported.")
    var runs = 5

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...1_000).contains(runs) else { throw ValidationError("--runs must be 1…1000") }
        guard (1...20_000).contains(calls) else { throw ValidationError("--calls must be 1…20000") }
        _ = try (options.batchLimit, bench)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let bench = try bench
        var plan = options.plan
        plan.concurrency = calls
        plan.backendKeys = ["concurrency": String(calls)]
        if BackendEntry.table.contains(where: { $0.name == "window_start" }) {
            plan.backendKeys["window_start"] = String(calls)
        }
        let backend = BackendPlan(latency: bench.latency)
        let fixedPlan = plan
        try await BenchRun.reporting(json: options.json) { environment in
            try await BenchFleet.with(fixedPlan, backend: backend, environment: environment) {
                try await bench.run(in: $0, backend: $1)
            }
        }
    }

    private var bench: InFlightBench {
        get throws {
            InFlightBench(
                input: try BenchOptions.usable("--lines \(lines) --line-bytes \(lineBytes)") {
                    try BenchInput(
                        lines: lines, lineBytes: lineBytes, endpoint: "/v1/chat/completions", model: "bench", tag: 0)
                },
                calls: calls,
                latency: try BenchOptions.usable("--latency \(latency)") { try BackendPlan.latency(latency) },
                count: runs, limit: try options.batchLimit)
        }
    }
}
