// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench chaos`.
struct BenchChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Kill, pause and restart everything at random under load, and check that no line suffers.",
        discussion: """
            Workers, coordinators and PostgreSQL are killed, paused beyond their leases, restarted, and their \
            connections cut, while batches run. After each round every batch must have each line once, in order, with \
            its own bytes; no status may have gone backwards; and no call may have been repeated that was not in \
            flight or unrecorded at a fault. Each round prints its seed: run with it again, that round comes first. \
            Exit code 0 when nothing was violated; otherwise the directory stays.
            """)

    /// Decides all that is left to chance.
    @Option(help: "Decides all that is left to chance; drawn unless given.")
    var seed: UInt64?

    /// Kills in all.
    @Option(help: "Kills in all; pauses, restarts and cuts come on top.")
    var kills = 500

    /// Rounds.
    @Option(help: "Rounds that the kills are spread over.")
    var rounds = 20

    /// Lines of a batch.
    @Option(help: "Lines of the largest batches; several run at a time.")
    var lines = 2_000

    /// Worker processes.
    @Option(help: "Worker processes.")
    var workers = 3

    /// Coordinator processes.
    @Option(help: "Coordinator processes.")
    var coordinators = 2

    /// Calls in flight of each worker.
    @Option(help: "Calls in flight of each worker.")
    var concurrency = 16

    /// What the backend takes for an answer.
    @Option(help: "What the backend takes for an answer.")
    var latency = "5ms-80ms"

    /// Share of calls answered 500.
    @Option(help: "Share of calls that the backend answers 500.")
    var failRatio = 0.01

    /// Leases of shards and duties.
    @Option(help: "Leases of shards and of coordinators' duties.")
    var lease = "2s"

    /// Longest time without progress.
    @Option(help: "Longest time without progress while nothing is out of order.")
    var stall = "10s"

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        _ = try plan(seed: 0)
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        // Short enough to be typed.
        let plan = try plan(seed: seed ?? UInt64.random(in: 1...999_999))
        BenchRun.say("seed \(plan.seed)")
        var fleetPlan = options.plan
        fleetPlan.assignments = plan.assignments + fleetPlan.assignments
        fleetPlan.concurrency = plan.concurrency
        fleetPlan.namesCallers = true
        fleetPlan.backendKeys = [
            "concurrency": String(plan.concurrency), "attempts_max": "100", "backoff_first": "50ms",
            "backoff_max": "500ms",
        ]
        let (fixedPlan, fail) = (fleetPlan, failRatio)
        try await BenchRun.reporting(json: options.json) { environment in
            let backend = BackendPlan(latency: plan.latency, failRatio: fail, seed: plan.seed, isLogged: true)
            return try await BenchFleet.with(fixedPlan, backend: backend, environment: environment) {
                try await ChaosBench(plan: plan).run(in: $0, backend: $1)
            }
        }
    }

    private func plan(seed: UInt64) throws -> ChaosPlan {
        for (name, value, most) in [
            ("--kills", kills, 1_000_000), ("--rounds", rounds, 10_000), ("--lines", lines, 1_000_000),
            ("--workers", workers, 64), ("--coordinators", coordinators, 16), ("--concurrency", concurrency, 1_000),
        ] where !(1...most).contains(value) {
            throw ValidationError("\(name) must be 1…\(most)")
        }
        guard rounds <= kills else { throw ValidationError("--rounds must not be above --kills") }
        guard (0...0.5).contains(failRatio) else { throw ValidationError("--fail-ratio must be 0…0.5") }
        let duration = try BenchOptions.usable("--lease \(lease)") { try SettingText.duration(lease) }
        guard duration >= .seconds(1) else { throw ValidationError("--lease must be at least 1s") }
        return ChaosPlan(
            seed: seed, kills: kills, rounds: rounds, lines: lines, workers: workers, coordinators: coordinators,
            concurrency: concurrency,
            latency: try BenchOptions.usable("--latency \(latency)") { try BackendPlan.latency(latency) },
            failRatio: failRatio, lease: duration,
            stallMax: try BenchOptions.usable("--stall \(stall)") { try SettingText.duration(stall) },
            limit: min(try options.batchLimit, .seconds(600)))
    }
}
