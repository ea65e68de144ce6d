// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Testing

@testable import batchd

/// The campaign's judges are trusted by the campaign; here they have to earn it.
@Suite struct BenchChaosTests {
    private func events(seed: UInt64, kills: Int) -> [ChaosEvent] {
        var schedule = ChaosSchedule(seed: seed, kills: kills, lease: .seconds(2))
        var events: [ChaosEvent] = []
        while let event = schedule.next() { events.append(event) }
        return events
    }

    @Test func `a schedule is the same for the same seed, has its kills, and pauses outlast the lease`() {
        let all = events(seed: 5, kills: 400)
        #expect(all == events(seed: 5, kills: 400) && all != events(seed: 6, kills: 400))
        #expect(all.count { $0.kind.isKill } == 400)
        #expect(Set(all.map(\.kind)) == Set(ChaosEvent.Kind.allCases))
        let pauses = all.filter { $0.kind == .workerPaused || $0.kind == .coordinatorPaused }
        #expect(pauses.allSatisfy { $0.absence > .seconds(2) })
    }

    @Test func `the first round of a round's seed is that round`() {
        var plan = ChaosPlan(
            seed: 77, kills: 10, rounds: 3, lines: 100, workers: 1, coordinators: 1, concurrency: 1,
            latency: .zero ... .zero, failRatio: 0, lease: .seconds(2), stallMax: .seconds(9), limit: .seconds(9))
        let third = plan.seed(ofRound: 2)
        #expect((0..<3).map(plan.kills).reduce(0, +) == 10 && plan.seed(ofRound: 0) == 77)
        plan.seed = third
        #expect(plan.seed(ofRound: 0) == third)
    }

    private func record(_ number: UInt32, _ caller: String, _ began: Int64, _ ended: Int64, status: Int = 200)
        -> CallRecord
    {
        CallRecord(
            marker: LineMarker(tag: 1, number: number), began: began, ended: ended, status: status, caller: caller)
    }

    @Test func `a repeated call needs a loss of the worker that made it first`() {
        let loss = ChaosTimeline.Loss(isWorkers: true, caller: "a", from: 100, to: 200)
        func faults(_ records: [CallRecord]) -> Int {
            var account = CallAccount()
            return account.add(records, losses: [loss], cancelled: [:]).count
        }
        #expect(faults([record(1, "a", 90, 110), record(1, "b", 300, 310)]) == 0)
        #expect(faults([record(1, "a", 150, 900, status: 499), record(1, "b", 300, 310)]) == 0)
        // Answered too early to be unrecorded; begun after the loss; by a worker that lost nothing.
        #expect(faults([record(1, "a", 10, 99), record(1, "b", 300, 310)]) == 1)
        #expect(faults([record(1, "a", 201, 210), record(1, "b", 300, 310)]) == 1)
        #expect(faults([record(1, "c", 150, 160), record(1, "b", 300, 310)]) == 1)
        // One loss explains one call, not two; failures of the backend explain themselves.
        #expect(faults([record(1, "a", 150, 160), record(1, "b", 170, 180), record(1, "c", 300, 310)]) == 1)
        #expect(faults([record(1, "b", 150, 160, status: 500), record(1, "b", 300, 310)]) == 0)
    }

    @Test func `repeated calls are counted by their cause`() {
        let losses = [
            ChaosTimeline.Loss(isWorkers: true, caller: "a", from: 0, to: 50),
            ChaosTimeline.Loss(isWorkers: false, caller: "b", from: 0, to: 50),
        ]
        var account = CallAccount()
        let faults = account.add(
            [
                record(1, "a", 10, 20), record(1, "c", 60, 70), record(2, "b", 10, 20), record(2, "c", 60, 70),
                record(3, "c", 60, 70),
            ], losses: losses, cancelled: [1: 55])
        #expect(faults.isEmpty)
        #expect(account.calls == 5 && account.repeated == 2 && account.repeatedAfterOutage == 1)
        #expect(account.lost == 1 && account.atRisk == 1 && account.callAfterCancel == .microseconds(5))
    }

    @Test func `whatever goes backwards is found`() {
        func findings(_ steps: [WireBatch]) -> Int {
            let findings = ChaosFindings()
            var watch = BatchWatch(steps[0], findings: findings, timeline: ChaosTimeline())
            for step in steps.dropFirst() { watch.see(step) }
            return findings.violations.count
        }
        func batch(_ status: String, _ completed: Int64 = 0, total: Int64 = 10, since: Int64? = nil) -> WireBatch {
            var batch = WireBatch(id: "batch_1", endpoint: "/v1/chat/completions", status: status, createdAt: 1)
            batch.requestCounts = RequestCounts(total: total, completed: completed, failed: 0)
            batch.inProgressAt = since
            return batch
        }
        let good = [
            batch("validating", total: 0), batch("in_progress", since: 5), batch("in_progress", 7, since: 5),
            batch("finalizing", 10, since: 5), batch("completed", 10, since: 5),
        ]
        #expect(findings(good) == 0)
        #expect(findings([batch("in_progress"), batch("cancelling"), batch("cancelled", 3)]) == 0)
        #expect(findings([batch("finalizing"), batch("in_progress")]) == 1)
        #expect(findings([batch("completed"), batch("cancelled")]) == 1)
        #expect(findings([batch("in_progress", 5), batch("in_progress", 4)]) == 1)
        #expect(findings([batch("in_progress", 5), batch("in_progress", 11)]) == 1)
        #expect(findings([batch("in_progress", since: 5), batch("in_progress", since: 6)]) == 1)
    }

    @Test func `a stall is disturbed only while something is out of order`() {
        let timeline = ChaosTimeline()
        let begin = CallRecord.now()
        let fault = timeline.begin(.workerKilled, "worker-0.1")
        timeline.end(fault)
        let end = CallRecord.now() + 5_000_000
        let stalls = timeline.stalls(from: begin, to: end)
        #expect(stalls.longest >= .seconds(5) && stalls.undisturbed <= stalls.longest)
        #expect(stalls.undisturbed > .milliseconds(4_900))
        timeline.begin(.serverKilled, "")
        #expect(timeline.isDatabaseTroubled(within: 0))
        #expect(timeline.stalls(from: begin, to: end).undisturbed < .seconds(1))
    }
}
