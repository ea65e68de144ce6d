// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct EventPageTests {
    private func page(
        _ test: TestStore, _ cursor: EventCursor, _ types: [EventType]? = nil, limit: Int = 100,
        of project: ProjectID? = nil
    ) async throws -> EventPage {
        try await test.store.listEvents(
            project: project ?? test.project, after: cursor, types: types, limit: limit)
    }

    @Test func `an event is in the stream from its dispatch on, and shows the batch as it ended`() async throws {
        let test = try await TestStore()
        let (batch, event) = try await test.ended()
        #expect(try await page(test, .oldest).events.isEmpty)
        #expect(try await test.store.dispatchEvents(to: StandingReceivers()) == 1)
        let found = try #require(try await page(test, .oldest).events.first)
        #expect(found.id == event && found.type == .batchFailed)
        #expect(found.batch == (try await test.store.findBatch(batch, project: test.project)))
    }

    @Test func `pages follow one another to the end, of the own project only`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let foreign = try await test.ended(of: stranger).event
        let events = try await test.dispatched(3)
        let first = try await page(test, .oldest, limit: 2)
        #expect(first.events.map(\.id) == Array(events[..<2]) && first.hasMore && first.last == events[1])
        let second = try await page(test, .after(events[1]), limit: 2)
        #expect(second.events.map(\.id) == [events[2]] && !second.hasMore && second.last == events[2])
        let third = try await page(test, .place(second.place), limit: 2)
        #expect(third.events.isEmpty && third.last == events[2] && third.place == second.place)
        #expect(try await page(test, .oldest, of: stranger).events.map(\.id) == [foreign])
        for unknown in [foreign, EventID(rawValue: "evt_nothing")] {
            await #expect { try await page(test, .after(unknown)) } throws: { ($0 as? BatchError)?.status == 404 }
        }
        let waiting = try await test.ended().event
        await #expect { try await page(test, .after(waiting)) } throws: { ($0 as? BatchError)?.status == 404 }
    }

    @Test func `whoever begins now is told the next event and no older one`() async throws {
        let test = try await TestStore()
        let none = try await page(test, .now)
        #expect(none.events.isEmpty && none.last == nil && none.place == 0)
        let old = try await test.dispatched()
        let now = try await page(test, .now)
        #expect(now.events.isEmpty && now.last == old[0])
        let new = try await test.dispatched()
        #expect(try await page(test, .place(now.place)).events.map(\.id) == new)
        #expect(try await page(test, .place(none.place)).events.map(\.id) == old + new)
    }

    @Test func `whoever wants some types advances over the others`() async throws {
        let test = try await TestStore()
        let cancelled = try await test.ended(.batchCancelled).event
        let failed = try await test.dispatched(2)
        let first = try await page(test, .oldest, [.batchCancelled])
        #expect(first.events.map(\.id) == [cancelled] && !first.hasMore && first.last == failed[1])
        let rest = try await page(test, .after(failed[1]), [.batchCancelled])
        #expect(rest.events.isEmpty && rest.last == failed[1])
        let more = try await page(test, .oldest, [.batchFailed, .batchExpired], limit: 1)
        #expect(more.events.map(\.id) == [failed[0]] && more.hasMore && more.last == failed[0])
    }

    @Test func `old events are deleted with their deliveries, but not the newest nor what is pending`() async throws {
        let test = try await TestStore()
        let owner = CoordinatorID.random()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let foreign = try await test.ended(of: stranger).event
        let pending = try await test.dispatched(1, webhook: "https://example.com/")[0]
        _ = try await test.endpoint()
        let settled = try await test.dispatched(2)
        for _ in 0..<2 {
            for duty in try await test.claim(by: owner) where duty.event.id != pending {
                try await test.settle(duty, .delivered, by: owner)
            }
        }
        #expect(try await test.deliveries(status: .delivered).count == 2)
        let newest = try await test.ended().event
        try await test.tamper("delete from webhook_endpoints where false; update events set created_at = '2020-01-01'")
        _ = try await test.store.dispatchEvents(to: StandingReceivers())
        for duty in try await test.claim(by: owner) where duty.event.id == newest {
            try await test.settle(duty, .delivered, by: owner)
        }
        #expect(try await test.store.pruneEvents(olderThan: .seconds(3_600)) == 2)
        #expect(try await test.store.pruneEvents(olderThan: .seconds(3_600)) == 0)
        #expect(try await page(test, .oldest).events.map(\.id) == [pending, newest])
        #expect(try await page(test, .oldest, of: stranger).events.map(\.id) == [foreign])
        await #expect { try await page(test, .after(settled[0])) } throws: { ($0 as? BatchError)?.status == 404 }
        #expect(Set(try await test.deliveries().map(\.event)) == [pending, newest])
        #expect(try await test.number("select count(*) from delivery_attempts") == 1)
    }

    @Test func `young events and such as have no place yet are kept`() async throws {
        let test = try await TestStore()
        _ = try await test.dispatched(2)
        #expect(try await test.store.pruneEvents(olderThan: .seconds(3_600)) == 0)
        _ = try await test.ended()
        try await test.tamper("update events set created_at = '2020-01-01' where position is null")
        #expect(try await test.store.pruneEvents(olderThan: .seconds(3_600)) == 0)
    }
}
