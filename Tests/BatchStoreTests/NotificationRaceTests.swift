// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct NotificationRaceTests {
    private static func change(url: String? = nil, isEnabled: Bool? = nil) -> EndpointChange {
        var change = EndpointChange()
        (change.url, change.isEnabled) = (url, isEnabled)
        return change
    }

    /// A coordinator: dispatches, claims, and ends attempts in every way.
    private static func coordinate(_ test: TestStore, rounds: Int) async throws {
        let owner = CoordinatorID.random()
        for round in 0..<rounds {
            _ = try await test.store.dispatchEvents(to: StandingReceivers(sinks: ["events"]))
            let duties = try await test.claim(by: owner)
            let ends = duties.enumerated().map { index, duty in
                let sequels: [DeliverySettlement.Sequel] = [
                    .delivered, .again(after: .zero), .exhausted, duty.kind == .endpoint ? .gone : .exhausted,
                ]
                return TestStore.settlement(duty, sequels[(index + round) % sequels.count])
            }
            let half = ends.count / 2
            try await test.store.releaseDeliveries(Array(duties[half...]), owner: owner)
            _ = try await test.store.settleDeliveries(Array(ends[..<half]), owner: owner, disableAfter: .zero)
        }
    }

    /// A tenant who does everything that changes deliveries.
    private static func manage(_ test: TestStore, _ endpoint: EndpointID, rounds: Int) async throws {
        for round in 0..<rounds {
            do {
                switch round % 5 {
                case 0:
                    _ = try await test.store.updateEndpoint(endpoint, project: test.project, change(isEnabled: true))
                case 1:
                    let url = "https://example.com/\(round)"
                    _ = try await test.store.updateEndpoint(endpoint, project: test.project, change(url: url))
                case 2:
                    var replay = DeliveryReplay(endpoint: endpoint, since: 0, status: nil)
                    replay.includesMissed = true
                    _ = try await test.store.replayDeliveries(replay, project: test.project)
                case 3:
                    guard let one = try await test.deliveries(to: endpoint).randomElement() else { continue }
                    _ = try await test.store.replayDelivery(one.id, project: test.project)
                default:
                    _ = try await test.store.updateEndpoint(
                        endpoint, project: test.project, change(isEnabled: round % 2 == 0))
                }
            } catch let error as BatchError where error.status == 409 {
                // A replay to an endpoint that a 410 disabled a moment ago.
            }
        }
    }

    @Test func `coordinators, tenants and pruning never wait for each other in a circle`() async throws {
        let test = try await TestStore()
        var endpoints: [EndpointID] = []
        for number in 0..<4 { endpoints.append(try await test.endpoint("\(number)").id) }
        let doomed = try await test.endpoint("doomed").id
        _ = try await test.dispatched(30)
        try await test.tamper("update events set created_at = clock_timestamp() - interval '1 day' where seq % 3 = 0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { try await Self.coordinate(test, rounds: 40) } }
            for endpoint in endpoints { group.addTask { try await Self.manage(test, endpoint, rounds: 40) } }
            group.addTask {
                for _ in 0..<20 {
                    try await test.tamper(
                        """
                        update deliveries set next_attempt_at = clock_timestamp() where seq in (
                            select seq from deliveries where status = 'pending' for update skip locked)
                        """)
                    _ = try await test.ended()
                    _ = try await test.store.pruneEvents(olderThan: .seconds(3_600))
                }
                #expect(try await test.store.deleteEndpoint(doomed, project: test.project))
            }
            try await group.waitForAll()
        }
        _ = try await test.store.dispatchEvents(to: StandingReceivers(sinks: ["events"]))
        await test.store.close()
        #expect(
            try await test.number("select deadlocks from pg_stat_database where datname = current_database()") == 0)
        #expect(
            try await test.number(
                """
                select count(*) from deliveries d join webhook_endpoints w on w.id = d.endpoint_id
                where d.status = 'pending' and (w.deleted_at is not null or w.disabled_at is not null or d.url <> w.url)
                """) == 0)
        #expect(
            try await test.number(
                "select count(*) from deliveries where target not in (select id from delivery_targets)") == 0)
        #expect(try await test.number("select count(*) from events where position is null") == 0)
    }
}
