// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Sealing

/// `batchd bench notify`.
struct BenchNotifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "How soon receivers hear of batches that ended, and that nothing is lost when coordinators die.",
        discussion: """
            Without `--kills`: batches of one line end at once, and the time from the terminal commit to the first \
            attempt is measured; with `--dead` once more beside as many receivers that refuse connections or never \
            answer. With `--kills`: coordinators are killed before, during and after attempts, receivers answer \
            whatever they like, and in the end every receiver must have taken every event, each under one id and with \
            one body. What is left to chance, which is not when processes run, follows the seed. Exit code 0 when \
            nothing was violated; otherwise the directory stays.
            """)

    /// Batches that end at once.
    @Option(help: "Batches that end at once.")
    var batches = 1_000

    /// Dead receivers.
    @Option(help: "Receivers that never take anything, in a project of their own.")
    var dead = 0

    /// Kills in all; 0 measures.
    @Option(help: "Kills of coordinators; 0 kills nobody and measures.")
    var kills = 0

    /// Decides all that is left to chance.
    @Option(help: "With --kills: decides all that is left to chance; drawn unless given.")
    var seed: UInt64?

    /// Receivers of a campaign.
    @Option(help: "With --kills: receivers, each of which is told of every batch.")
    var receivers = 6

    /// Coordinator processes.
    @Option(help: "Coordinator processes.")
    var coordinators = 2

    /// What all benches can be told.
    @OptionGroup var options: BenchOptions

    /// Refuses what cannot be used.
    func validate() throws {
        for (name, value, range) in [
            ("--batches", batches, 1...100_000), ("--dead", dead, 0...10_000), ("--kills", kills, 0...100_000),
            ("--receivers", receivers, 1...100), ("--coordinators", coordinators, 1...16),
        ] where !range.contains(value) {
            throw ValidationError("\(name) must be \(range.lowerBound)…\(range.upperBound)")
        }
        _ = try options.batchLimit
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        var plan = options.plan
        let limit = min(try options.batchLimit, .seconds(600))
        // One key for all coordinators: whichever is asked, each of them signs.
        var assignments = ["sealing_key=\(SealingKey.randomText())"]
        if kills > 0 {
            // Short enough to be typed.
            let campaign = NotifyCampaign(
                plan: NotifyCampaign.Plan(
                    seed: seed ?? UInt64.random(in: 1...999_999), kills: kills, coordinators: coordinators,
                    receivers: receivers, limit: limit))
            BenchRun.say("seed \(campaign.plan.seed)")
            plan.assignments = assignments + NotifyCampaign.assignments + plan.assignments
            return try await BenchRun.run(plan, json: options.json) { try await campaign.run(in: $0) }
        }
        assignments += ["outbound.allow=127.0.0.1", "limits.webhook_endpoints_max=\(max(dead, 1) + 1)"]
        plan.assignments = assignments + plan.assignments
        let bench = NotifyBench(batches: batches, dead: dead, coordinators: coordinators, limit: limit)
        try await BenchRun.run(plan, json: options.json) { try await bench.run(in: $0) }
    }
}
