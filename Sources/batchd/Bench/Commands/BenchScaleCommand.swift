// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench scale`.
struct BenchScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "What more workers and more waiting lines cost.",
        subcommands: [BenchShareCommand.self, BenchWaitingCommand.self])
}

/// `batchd bench scale share`.
struct BenchShareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share",
        abstract: "How close several workers come together to one cap of a backend.",
        discussion: "Exit code 0 when no line was lost and the cap was never passed.")

    /// Lines of a batch.
    @Option(help: "Lines of each batch.")
    var lines = 50_000

    /// Worker processes.
    @Option(help: "Worker processes.")
    var workers = 4

    /// The cap.
    @Option(help: "Calls that all workers together may have in flight; the backend refuses further ones.")
    var cap = 256

    /// What the backend takes for an answer.
    @Option(help: "What the backend takes for an answer.")
    var latency = "200ms"

    /// How many batches.
    @Option(help: "Batches, each with fresh workers.")
    var runs = 5

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try bench
        guard (1...1_000).contains(runs) else { throw ValidationError("--runs must be 1…1000") }
        guard (1...64).contains(workers) else { throw ValidationError("--workers must be 1…64") }
        guard (1...20_000).contains(cap) else { throw ValidationError("--cap must be 1…20000") }
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let bench = try bench
        var plan = options.plan
        plan.concurrency = cap
        plan.backendKeys = ["concurrency": String(cap), "cluster_concurrency": String(cap)]
        let backend = BackendPlan(latency: bench.latency...bench.latency, slots: cap)
        let fixedPlan = plan
        try await BenchRun.reporting(json: options.json) { environment in
            try await BenchFleet.with(fixedPlan, backend: backend, environment: environment) {
                try await bench.run(in: $0, backend: $1)
            }
        }
    }

    private var bench: ShareBench {
        get throws {
            ShareBench(
                input: try BenchOptions.usable("--lines \(lines)") {
                    try BenchInput(
                        lines: lines, lineBytes: 1_000, endpoint: "/v1/chat/completions", model: "bench", tag: 0)
                },
                workers: workers, cap: cap,
                latency: try BenchOptions.usable("--latency \(latency)") { try SettingText.duration(latency) },
                count: runs, limit: try options.batchLimit)
        }
    }
}

/// `batchd bench scale waiting`.
struct BenchWaitingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiting",
        abstract: "What claiming and recording a line cost while ever more lines wait.")

    /// Numbers of waiting lines.
    @Option(help: "Numbers of waiting lines, with commas, ascending.")
    var waiting = "10000,100000,1000000,10000000"

    /// Lines of a measurement.
    @Option(help: "Lines that a worker does for one measurement.")
    var sample = 20_000

    /// Finished batches.
    @Option(help: "Batches that are finished before the last measurement, which repeats the first.")
    var finished = 1_000

    /// Measurements.
    @Option(help: "Measurements at each number; the one in the middle is shown.")
    var runs = 5

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try (numbers, options.batchLimit)
        guard (1...1_000).contains(runs) else { throw ValidationError("--runs must be 1…1000") }
        guard (1...10_000_000).contains(sample) else { throw ValidationError("--sample must be 1…10000000") }
        guard (0...1_000_000).contains(finished) else { throw ValidationError("--finished must be 0…1000000") }
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let bench = WaitingBench(
            waiting: try numbers, sample: sample, finished: finished, runs: runs, limit: try options.batchLimit)
        var plan = options.plan
        plan.assignments = ["limits.lines_max=0"] + plan.assignments
        try await BenchRun.run(plan, json: options.json) { try await bench.run(in: $0) }
    }

    private var numbers: [Int] {
        get throws {
            let numbers = waiting.split(separator: ",").compactMap { Int($0) }
            guard !numbers.isEmpty, numbers.count == waiting.split(separator: ",").count,
                numbers.allSatisfy({ (1...BenchInput.linesMax).contains($0) }), numbers == numbers.sorted()
            else { throw ValidationError("--waiting must be numbers with commas between them, ascending") }
            return numbers
        }
    }
}
