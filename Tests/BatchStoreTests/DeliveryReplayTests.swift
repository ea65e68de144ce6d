// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct DeliveryReplayTests {
    private let owner = CoordinatorID.random()

    /// Attempts everything that is due until nothing is, with that end.
    private func settleAll(_ test: TestStore, _ sequel: DeliverySettlement.Sequel) async throws {
        while true {
            try await test.passTime()
            let duties = try await test.claim(by: owner)
            if duties.isEmpty { return }
            for duty in duties { try await test.settle(duty, sequel, by: owner) }
        }
    }

    private func setEnabled(_ endpoint: EndpointID, _ isEnabled: Bool, _ test: TestStore) async throws {
        var change = EndpointChange()
        change.isEnabled = isEnabled
        _ = try await test.store.updateEndpoint(endpoint, project: test.project, change)
    }

    private func status(_ body: () async throws -> Void) async -> Int? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? BatchError)?.status
        }
    }

    @Test func `a delivery that has ended is due again with the same event and a fresh schedule`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        let event = try await test.dispatched()[0]
        try await settleAll(test, .exhausted)
        var change = EndpointChange()
        change.url = "https://new.example.com/"
        _ = try await test.store.updateEndpoint(endpoint.id, project: test.project, change)
        let ended = try await test.onlyDelivery()
        #expect(ended.url == endpoint.url && ended.status == .exhausted)
        try await test.tamper("update delivery_targets set held_until = clock_timestamp() + interval '1 hour'")
        let replayed = try #require(try await test.store.replayDelivery(ended.id, project: test.project))
        #expect(replayed.status == .pending && replayed.settledAt == nil && replayed.url == change.url)
        let duty = try #require(try await test.claim(by: owner).first)
        #expect(duty.event.id == event && duty.attempts == 2 && duty.roundAttempts == 1)
        // One that is under way is not begun twice.
        #expect(try await test.store.replayDelivery(ended.id, project: test.project)?.status == .pending)
        #expect(try await test.claim(by: owner).isEmpty)
        try await test.settle(duty, .again(after: .seconds(3_600)), by: owner)
        #expect(try await test.store.replayDelivery(ended.id, project: test.project)?.attempts == 2)
        let sooner = try #require(try await test.claim(by: owner).first)
        #expect(sooner.roundAttempts == 1)
        try await test.settle(sooner, .delivered, by: owner)
        #expect(try await test.store.replayDelivery(ended.id, project: test.project)?.status == .pending)
    }

    @Test func `a batch's own receiver can be told once more, too`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(1, webhook: "https://example.com/")
        try await settleAll(test, .delivered)
        let delivery = try await test.onlyDelivery()
        #expect(try await test.store.replayDelivery(delivery.id, project: test.project)?.status == .pending)
        #expect(try await test.claim(by: owner).count == 1)
    }

    @Test func `nothing is replayed to an endpoint that is disabled or deleted, or for a stranger`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        _ = try await test.dispatched(1, to: StandingReceivers(serverURL: "https://operator.example.com/"))
        try await settleAll(test, .exhausted)
        let delivery = try await test.onlyDelivery()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let replay = DeliveryReplay(endpoint: endpoint.id, since: 0)
        #expect(try await test.store.replayDelivery(delivery.id, project: stranger) == nil)
        #expect(await status { _ = try await test.store.replayDeliveries(replay, project: stranger) } == 404)
        try await setEnabled(endpoint.id, false, test)
        #expect(await status { _ = try await test.store.replayDelivery(delivery.id, project: test.project) } == 409)
        #expect(await status { _ = try await test.store.replayDeliveries(replay, project: test.project) } == 409)
        #expect(try await test.store.deleteEndpoint(endpoint.id, project: test.project))
        #expect(await status { _ = try await test.store.replayDelivery(delivery.id, project: test.project) } == 409)
        #expect(await status { _ = try await test.store.replayDeliveries(replay, project: test.project) } == 409)
        #expect(try await test.onlyDelivery().status == .exhausted)
        #expect(try await test.number("select count(*) from deliveries where status = 'exhausted'") == 2)
    }

    @Test func `a range replays what was given up, delivered, or both, and never what is pending`() async throws {
        let test = try await TestStore()
        let endpoint = try await test.endpoint()
        let events = try await test.dispatched(4)
        try await settleAll(test, .delivered)
        try await test.tamper(
            """
            update deliveries d set status = 'exhausted' from events e where e.id = d.event_id
                and e.id in ('\(events[0])', '\(events[1])');
            update deliveries d set status = 'pending', settled_at = null,
                next_attempt_at = clock_timestamp() + interval '1 hour' where event_id = '\(events[3])';
            update events set created_at = to_timestamp(1000 + 100 * seq);
            """)
        let times = (1...4).map { Int64(1_000 + 100 * $0) }
        func replay(since: Int64, until: Int64? = nil, _ status: DeliveryStatus? = .exhausted) async throws -> Int {
            try await test.store.replayDeliveries(
                DeliveryReplay(endpoint: endpoint.id, since: since, until: until, status: status),
                project: test.project)
        }
        #expect(try await replay(since: times[0], until: times[0]) == 0)
        #expect(try await replay(since: times[0] + 1, until: times[1]) == 0)
        #expect(try await replay(since: times[0], until: times[1]) == 1)
        #expect(try await replay(since: 0) == 1)
        #expect(try await replay(since: 0) == 0)
        #expect(try await replay(since: 0, .delivered) == 1)
        #expect(try await test.deliveries(status: .pending).count == 4)
        #expect(try await test.claim(by: owner).count == 3, "what waited goes on waiting")
        try await test.tamper("update deliveries set owner = null, owner_until = null")
        try await settleAll(test, .exhausted)
        #expect(try await replay(since: 0, nil) == 4)
    }

    @Test func `a range can bring what the endpoint missed, of its types and its project`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        _ = try await test.ended(of: stranger)
        let before = try await test.dispatched()[0]
        let other = try await test.ended(.batchCancelled).event
        _ = try await test.store.dispatchEvents(to: StandingReceivers())
        let endpoint = try await test.endpoint(types: [.batchFailed])
        let told = try await test.dispatched()[0]
        try await settleAll(test, .delivered)
        try await setEnabled(endpoint.id, false, test)
        let missed = try await test.dispatched()[0]
        try await setEnabled(endpoint.id, true, test)
        let waiting = try await test.ended().event
        var replay = DeliveryReplay(endpoint: endpoint.id, since: 0)
        #expect(try await test.store.replayDeliveries(replay, project: test.project) == 0)
        replay.includesMissed = true
        #expect(try await test.store.replayDeliveries(replay, project: test.project) == 2)
        #expect(try await test.store.replayDeliveries(replay, project: test.project) == 0)
        #expect(Set(try await test.deliveries(status: .pending).map(\.event)) == [before, missed])
        #expect(try await test.deliveries(event: told).map(\.status) == [.delivered])
        #expect(try await test.deliveries(event: other).isEmpty)
        _ = try await test.store.dispatchEvents(to: StandingReceivers())
        #expect(try await test.deliveries(event: waiting).count == 1)
        let fresh = try await test.endpoint("fresh")
        replay.endpoint = fresh.id
        #expect(try await test.store.replayDeliveries(replay, project: test.project) == 5)
        #expect(try await test.claim(by: owner).contains { $0.target == fresh.id.rawValue })
    }
}
