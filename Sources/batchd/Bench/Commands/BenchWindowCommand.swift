// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench window`.
struct BenchWindowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "window",
        abstract: "How close a worker comes to what a backend can do whose limit it does not know.",
        discussion: """
            The backend takes the same time for every answer and refuses (429) what is beyond its slots. Nothing of \
            the worker's window is configured but its ceiling. Exit code 0 when no line was lost.
            """)

    /// Lines of a batch.
    @Option(help: "Lines of each batch.")
    var lines = 50_000

    /// Bytes of a line.
    @Option(help: "Bytes of a line, its line end included.")
    var lineBytes = 1_000

    /// What the backend takes for an answer.
    @Option(help: "What the backend takes for an answer.")
    var latency = "200ms"

    /// Slots of the backend.
    @Option(help: "Calls that the backend answers at the same time; several, with commas, one after another.")
    var slots = "256,64"

    /// Ceiling of the window.
    @Option(help: "Most calls that the worker may try to have in flight.")
    var concurrency = 1_024

    /// How many batches.
    @Option(help: "Batches for each number of slots, each with a fresh worker; medians are reported.")
    var runs = 5

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...1_000).contains(runs) else { throw ValidationError("--runs must be 1…1000") }
        guard (1...20_000).contains(concurrency) else { throw ValidationError("--concurrency must be 1…20000") }
        _ = try (options.batchLimit, slotNumbers, duration, input)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let (input, duration, limit, numbers) = (try input, try duration, try options.batchLimit, try slotNumbers)
        var plan = options.plan
        plan.concurrency = concurrency
        plan.backendKeys = ["concurrency": String(concurrency)]
        // A fleet of its own for each: nobody has learned anything yet, and the backend's counters are fresh.
        let (fixedPlan, count, ceiling) = (plan, runs, concurrency)
        try await BenchRun.reporting(json: options.json) { environment in
            var parts: [WindowReport] = []
            for slots in numbers {
                let bench = WindowBench(input: input, slots: slots, latency: duration, count: count, limit: limit)
                let backend = BackendPlan(latency: duration...duration, slots: slots)
                parts.append(
                    try await BenchFleet.with(fixedPlan, backend: backend, environment: environment) {
                        try await bench.run(in: $0, backend: $1)
                    })
            }
            return WindowReport.report(parts, ceiling: ceiling)
        }
    }

    private var slotNumbers: [Int] {
        get throws {
            let numbers = slots.split(separator: ",").map { Int($0) }
            guard !numbers.isEmpty, numbers.allSatisfy({ (1...20_000).contains($0 ?? 0) }) else {
                throw ValidationError("--slots must be numbers of 1…20000 with commas between them")
            }
            return numbers.compactMap { $0 }
        }
    }

    private var duration: Duration {
        get throws { try BenchOptions.usable("--latency \(latency)") { try SettingText.duration(latency) } }
    }

    private var input: BenchInput {
        get throws {
            try BenchOptions.usable("--lines \(lines) --line-bytes \(lineBytes)") {
                try BenchInput(
                    lines: lines, lineBytes: lineBytes, endpoint: "/v1/chat/completions", model: "bench", tag: 0)
            }
        }
    }
}
