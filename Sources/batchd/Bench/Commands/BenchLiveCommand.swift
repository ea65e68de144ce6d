// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench live`.
struct BenchLiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live",
        abstract: "Batch chat: thousands of held requests, the latency it adds, and a coordinator that is killed.",
        discussion: """
            held: so many callers at once, one coordinator and one worker in front of a backend with few slots: how \
            busy the backend was, how much memory the coordinator took, what was answered.
            latency: requests one at a time, to the backend directly, held durably, and held in memory, in turn.
            restart: callers whose coordinator is killed in the middle and started again: what was answered, and what \
            the backend was asked twice.
            Exit code 0 when every request was answered, and with restart none was called twice.
            """)

    /// Callers of `held`.
    @Option(help: "Callers of `held`.")
    var callers = 10_000

    /// Requests of each.
    @Option(help: "Requests of each caller, one after the other.")
    var tasks = 3

    /// Slots of the backend.
    @Option(help: "Calls that the backend answers at the same time.")
    var slots = 256

    /// What the backend takes for an answer.
    @Option(help: "What the backend takes for an answer.")
    var latency = "200ms"

    /// Requests of `latency`.
    @Option(help: "Requests of `latency`, each way.")
    var samples = 150

    /// Callers of `restart`.
    @Option(help: "Callers of `restart`, with two requests each.")
    var restartCallers = 3_000

    /// What is measured.
    @Option(help: "What is measured, separated by commas.")
    var parts = "held,latency,restart"

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        guard (1...20_000).contains(callers), (1...20_000).contains(restartCallers) else {
            throw ValidationError("--callers and --restart-callers must be 1…20000")
        }
        guard (1...10_000).contains(tasks), (1...100_000).contains(samples), (1...20_000).contains(slots) else {
            throw ValidationError("--tasks must be 1…10000, --samples 1…100000, --slots 1…20000")
        }
        _ = try (options.batchLimit, bench)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        let bench = try bench
        var plan = options.plan
        plan.concurrency = slots
        plan.backendKeys = ["concurrency": String(slots), "window_start": String(slots)]
        let backend = BackendPlan(latency: bench.latency, isLogged: true)
        let fixedPlan = plan
        try await BenchRun.reporting(json: options.json) { environment in
            try await BenchFleet.with(fixedPlan, backend: backend, environment: environment) {
                try await bench.run(in: $0, backend: $1)
            }
        }
    }

    private var bench: LiveBench {
        get throws {
            let parts = try parts.split(separator: ",").map { word in
                guard let part = LiveBench.Part(rawValue: String(word)) else {
                    let known = LiveBench.Part.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--parts: \"\(word)\" is none of: \(known)")
                }
                return part
            }
            return LiveBench(
                callers: callers, tasks: tasks, slots: slots,
                latency: try BenchOptions.usable("--latency \(latency)") { try BackendPlan.latency(latency) },
                samples: samples, restartCallers: restartCallers, parts: Set(parts), limit: try options.batchLimit)
        }
    }
}
