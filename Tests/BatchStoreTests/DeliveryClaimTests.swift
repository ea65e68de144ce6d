// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct DeliveryClaimTests {
    private let first = CoordinatorID.random()
    private let second = CoordinatorID.random()

    @Test func `a delivery has one owner at a time, until the lease runs out`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint("secret")
        let event = try await test.dispatched()[0]
        let duty = try #require(try await test.claim(by: first).first)
        #expect(duty.target == endpoint.id.rawValue && duty.kind == .endpoint && duty.url == endpoint.url)
        #expect(duty.attempts == 1 && duty.roundAttempts == 1 && !duty.isHealthy && duty.event.id == event)
        #expect(
            duty.secrets == [
                SealedSecret(bytes: Array("secret".utf8), context: SealedSecret.context(of: endpoint.id))
            ])
        #expect(try await test.claim(by: second).isEmpty)
        #expect(try await test.claim(by: first).isEmpty)
        try await test.tamper("update deliveries set owner_until = clock_timestamp() - interval '1 second'")
        let again = try #require(try await test.claim(by: second).first)
        #expect(again.sequence == duty.sequence && again.attempts == 2)
        #expect(again.roundAttempts == 1, "nobody knows how the first attempt ended: it has no place in the schedule")
    }

    @Test func `what is given back is due at once, and the attempt is not counted in the schedule`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        let duty = try #require(try await test.claim(by: first).first)
        try await test.store.releaseDeliveries([duty], owner: second)
        #expect(try await test.claim(by: second).isEmpty)
        try await test.store.releaseDeliveries([duty], owner: first)
        let again = try #require(try await test.claim(by: second).first)
        #expect(again.attempts == 2 && again.roundAttempts == 1)
        try await test.store.releaseDeliveries([again], owner: second)
        let third = try #require(try await test.claim(by: second).first)
        // The same owner's earlier attempt is not the one that is under way.
        try await test.store.releaseDeliveries([again], owner: second)
        #expect(try await test.claim(by: first).isEmpty)
        try await test.settle(third, .again(after: .zero), by: second)
        try await test.passTime()
        let last = try #require(try await test.claim(by: first).first)
        #expect(last.attempts == 4 && last.roundAttempts == 2)
    }

    @Test func `a target is attempted once until an attempt has succeeded, and then as often as is allowed`()
        async throws
    {
        let test = try await TestStore()
        _ = try await test.endpoint()
        _ = try await test.dispatched(10)
        let probe = try await test.claim(by: first, perTarget: 3)
        #expect(probe.count == 1)
        #expect(try await test.claim(by: second, perTarget: 3).isEmpty)
        try await test.settle(probe[0], .delivered, by: first)
        let many = try await test.claim(by: first, perTarget: 3)
        #expect(many.count == 3 && many.allSatisfy(\.isHealthy))
        #expect(try await test.claim(by: second, perTarget: 3).isEmpty)
        try await test.settle(many[0], .again(after: .seconds(60)), by: first)
        try await test.settle(many[1], .again(after: .seconds(60)), by: first)
        try await test.passTime()
        #expect(try await test.claim(by: second, perTarget: 3).isEmpty, "it fails, and one attempt is under way still")
        try await test.settle(many[2], .delivered, by: first)
        #expect(try await test.claim(by: second, perTarget: 3).count == 3)
    }

    @Test func `rivals together keep the bound of a target`() async throws {
        let test = try await TestStore()
        _ = try await test.endpoint()
        _ = try await test.dispatched(40)
        for _ in 0..<5 {
            let claimed = try await withThrowingTaskGroup(of: [DeliveryDuty].self) { group in
                for _ in 0..<6 { group.addTask { try await test.claim(by: .random()) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == 1)
            try await test.tamper("update deliveries set owner = null, owner_until = null")
        }
    }

    @Test func `places are bounded in all and for targets in doubt, and go to what has been due for longest`()
        async throws
    {
        let test = try await TestStore()
        let healthy = try await test.endpoint("healthy")
        let event = try await test.dispatched(5)[0]
        try await test.tamper(
            """
            update delivery_targets set succeeded_at = clock_timestamp();
            update deliveries set next_attempt_at = clock_timestamp() - interval '1 minute' - seq * interval '1 second';
            insert into delivery_targets (id) select 'batch:p:' || n from generate_series(1, 9) n;
            insert into deliveries (event_id, project_id, kind, target, url, next_attempt_at)
                select e.id, e.project_id, 'batch', 'batch:p:' || n, 'https://example.com/' || n,
                    clock_timestamp() - n * interval '1 hour'
                from events e, generate_series(1, 9) n where e.id = '\(event)';
            """)
        #expect(try await test.claim(by: first, all: 0, doubtful: 0).isEmpty)
        let doubtful = try await test.claim(by: first, all: 4, doubtful: 2)
        #expect(doubtful.filter { !$0.isHealthy }.map(\.target).sorted() == ["batch:p:8", "batch:p:9"])
        let oldest = try await test.deliveries(to: healthy.id).sorted {
            ($0.nextAttemptAt ?? 0) < ($1.nextAttemptAt ?? 0)
        }
        #expect(Set(doubtful.filter(\.isHealthy).map(\.event.id)) == Set(oldest[..<2].map(\.event)))
        let all = try await test.claim(by: first, all: 3, doubtful: 9)
        #expect(all.map(\.target).sorted() == ["batch:p:5", "batch:p:6", "batch:p:7"])
        #expect(try await test.claim(by: first, all: 9, doubtful: 0).count == 3)
    }

    @Test func `a thousand dead receivers do not delay a live one`() async throws {
        let test = try await TestStore()
        let live = try await test.endpoint("live")
        let old = try await test.dispatched()
        try await test.settle(try #require(try await test.claim(by: first).first), .delivered, by: first)
        try await test.tamper(
            """
            insert into delivery_targets (id, failures, failing_since)
                select 'batch:p:dead' || n, 3, clock_timestamp() from generate_series(1, 1000) n;
            insert into deliveries (event_id, project_id, kind, target, url, next_attempt_at)
                select e.id, e.project_id, 'batch', 'batch:p:dead' || n, 'https://example.com/',
                    clock_timestamp() - interval '1 hour'
                from events e, generate_series(1, 1000) n where e.id = '\(old[0])';
            """)
        let dead = try await test.claim(by: first, all: 100, doubtful: 75)
        #expect(dead.count == 75 && dead.allSatisfy { !$0.isHealthy })
        let event = try await test.dispatched()[0]
        let claimed = try await test.claim(by: first, all: 25, doubtful: 0)
        #expect(claimed.map(\.event.id) == [event] && claimed.map(\.target) == [live.id.rawValue])
        #expect(try await test.claim(by: second, all: 4_000, doubtful: 3_000).count == 925)
    }

    @Test func `nothing is attempted before it is due or while its target is held`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://one.example.com/")
        _ = try await test.dispatched(1, webhook: "https://two.example.com/")
        try await test.tamper(
            """
            update delivery_targets set held_until = clock_timestamp() + interval '1 hour' where id like '%one%';
            update deliveries set next_attempt_at = clock_timestamp() + interval '1 hour' where target like '%two%';
            """)
        #expect(try await test.claim(by: first).isEmpty)
        try await test.passTime()
        #expect(try await test.claim(by: first).count == 2)
    }

    @Test func `secrets go to whom they belong`() async throws {
        let test = try await TestStore()
        let signed = try await test.ended(
            webhook: "https://a.example.com/", secret: [7], callback: "https://b.example.com/")
        _ = try await test.store.dispatchEvents(to: StandingReceivers(serverURL: "https://c.example.com", sinks: ["d"]))
        let duties = try await test.claim(by: first)
        #expect(duties.count == 4 && duties.allSatisfy { $0.event.batch.id == signed.batch })
        let context = SealedSecret.context(ofBatchesOf: test.project)
        #expect(
            duties.first { $0.kind == .batch }?.secrets == [SealedSecret(bytes: [7], context: context)])
        #expect(!duties.contains { $0.kind != .batch && !$0.secrets.isEmpty })
        #expect(duties.first { $0.kind == .sink }?.url == "d")
    }
}
