// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import BatchStore
import BatchWebhook
import Foundation
import Synchronization

/// Kills coordinators while they tell of batches that have ended, and checks that nobody misses or invents anything.
struct NotifyCampaign: Sendable {
    /// What the campaign consists of.
    struct Plan: Hashable, Sendable {
        /// Decides everything that is left to chance.
        var seed: UInt64
        /// Kills in all.
        var kills: Int
        /// Coordinator processes.
        var coordinators: Int
        /// Receivers, each of which is told of every batch.
        var receivers: Int
        /// Longest time from the last kill to the last delivery, and for any one step.
        var limit: Duration
    }

    /// The campaign.
    let plan: Plan

    /// Between two looks.
    private static let pause = Duration.milliseconds(20)
    /// Events that not everybody has taken, above which no batch is created.
    private static let openMax = 24

    /// Runs it in a fleet without processes.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        let before = MachineState.current
        let began = ContinuousClock.now
        let findings = ChaosFindings()
        findings.begin("--seed \(plan.seed)")
        let keeper = CoordinatorKeeper(fleet: fleet, desk: ChaosDesk(), findings: findings)
        let desk = try NoticeDesk(plan: plan, keeper: keeper, findings: findings)
        defer { desk.receiver.stop() }
        let store = fleet.store()
        var figures: NotifyCampaignFigures
        do {
            let batches = try await inflict(fleet, keeper, desk)
            figures = NotifyCampaignFigures(
                try await store.eventMoments(), try await store.deliveryTotals(), log: desk.log, kills: keeper.kills)
            check(figures, batches, desk, findings)
        } catch {
            await store.close()
            fleet.keepDirectory()
            throw error
        }
        await store.close()
        figures.checked = desk.checked
        if !findings.violations.isEmpty { fleet.keepDirectory() }
        return NotifyCampaignReport(
            plan: plan, figures: figures, violations: findings.violations, wall: ContinuousClock.now - began,
            surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
        ).report
    }

    /// Runs batches and kills to the last delivery; returns the ids of the batches.
    private func inflict(_ fleet: BenchFleet, _ keeper: CoordinatorKeeper, _ desk: NoticeDesk) async throws -> [String]
    {
        for index in 0..<plan.coordinators { try await keeper.start(index) }
        try await fleet.startWorker()
        try await desk.register(until: .now + plan.limit)
        return try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask {
                try await keeper.reviveAll()
                return []
            }
            group.addTask {
                try await desk.checkFirstAttempts(in: fleet.directory)
                return []
            }
            group.addTask {
                let batches = try await makeBatches(fleet, keeper, desk)
                // From here on every receiver takes everything.
                desk.calm()
                try await wait("the last delivery") { desk.log.eventsTaken(by: plan.receivers) >= batches.count }
                keeper.end()
                desk.end()
                return batches
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// Makes one batch after the other until there were enough kills; some coordinators die just when one ends.
    private func makeBatches(
        _ fleet: BenchFleet, _ keeper: CoordinatorKeeper, _ desk: NoticeDesk
    ) async throws -> [String] {
        var random = SeededNumbers(seed: plan.seed ^ 0x6261_7463_6865_7321)
        var ids: [String] = []
        let files = try await desk.upload(in: fleet.directory, until: .now + plan.limit)
        while keeper.killCount < plan.kills {
            try await wait("receivers to keep up") {
                keeper.killCount >= plan.kills || ids.count - desk.log.eventsTaken(by: plan.receivers) < Self.openMax
            }
            let file = random.index(below: 4) == 0 ? files.bad : files.good
            let order = BatchOrder(inputFileID: file, endpoint: Endpoint.test.rawValue, window: "24h")
            let key = newIdempotencyKey()
            ids.append(
                try await keeper.desk.ask("create a batch", until: .now + plan.limit) { client throws(ClientError) in
                    try await client.createBatch(order, idempotencyKey: key).value.id
                })
            let (choice, delay) = (random.index(below: 12), random.duration(in: .zero ... .milliseconds(80)))
            guard choice < 2, keeper.killCount < plan.kills else { continue }
            try await Task.sleep(for: delay)
            let first = random.index(below: plan.coordinators)
            // All at once leave an event to nobody; one leaves it to the others.
            for index in choice == 0 ? Array(0..<plan.coordinators) : [first] {
                keeper.kill(.coordinator(index), .beforeAttempt)
            }
        }
        return ids
    }

    private func wait(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + plan.limit
        while !condition() {
            guard ContinuousClock.now < deadline else { throw BenchFault("in \(plan.limit) there was not: \(what)") }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// The promises, looked at from the outside: batches that were acknowledged, and what came to the receivers.
    private func check(
        _ figures: NotifyCampaignFigures, _ batches: [String], _ desk: NoticeDesk, _ findings: ChaosFindings
    ) {
        let byBatch = Dictionary(grouping: figures.events, by: \.batch.rawValue)
        if Set(byBatch.keys) != Set(batches) || Set(batches).count != batches.count {
            findings.violation("\(batches.count) batches were acknowledged, \(byBatch.count) have events")
        }
        for (batch, events) in byBatch where events.count != 1 {
            findings.violation("\(batch) has \(events.count) events")
        }
        let known = Set(figures.events.map(\.id.rawValue))
        for id in figures.taken.keys where !known.contains(id) { findings.violation("\(id) was invented") }
        if figures.lost > 0 { findings.violation("\(figures.lost) deliveries were lost") }
        if let exhausted = figures.totals.deliveries[.exhausted] {
            findings.violation("\(exhausted) deliveries were given up")
        }
        if desk.checked != figures.events.count {
            findings.violation("not every batch was looked at when its first attempt came")
        }
    }

    /// Settings that make kills cost moments; those of the command line come after them.
    static let assignments = [
        "coordinator.duty_lease=1s", "coordinator.duty_renew_every=250ms", "coordinator.poll_every=100ms",
        "coordinator.close_grace=1s", "webhook.timeout=2s",
        "webhook.retry_waits=200ms,500ms," + Array(repeating: "1s", count: 200).joined(separator: ","),
        "outbound.allow=127.0.0.1", "database.connect_timeout=2s",
    ]
}
