// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct DispatchTests {
    @Test func `everyone who wants an event gets one delivery of it, however often it is dispatched`() async throws {
        let test = try await TestStore()
        let all = try await test.endpoint("all")
        let some = try await test.endpoint("some", types: [.batchCancelled])
        let stranger = try await test.store.ensureProject(name: "stranger")
        _ = try await test.endpoint("foreign", of: stranger)
        let batch = try await test.ended(
            webhook: "https://User.example.com:8443/a?b", callback: "https://user.example.com:8443/c")
        let standing = StandingReceivers(serverURL: "https://operator.example.com/", sinks: ["events", "audit"])
        #expect(try await test.store.dispatchEvents(to: standing) == 1)
        #expect(try await test.store.dispatchEvents(to: standing) == 0)
        let seen = try await test.deliveries()
        #expect(Set(seen.map(\.kind)) == [.endpoint, .batch, .callback] && seen.count == 3)
        #expect(seen.allSatisfy { $0.batch == batch.batch && $0.event == batch.event && $0.status == .pending })
        #expect(seen.allSatisfy { $0.attempts == 0 && $0.nextAttemptAt != nil && $0.settledAt == nil })
        #expect(try await test.deliveries(to: all.id).map(\.url) == ["https://example.com/hook"])
        #expect(try await test.deliveries(to: some.id).isEmpty)
        #expect(try await test.number("select count(*) from deliveries where kind in ('server', 'sink')") == 3)
        #expect(
            try await test.number(
                "select count(*) from deliveries where target = kind || ':' || project_id "
                    + "|| ':https://user.example.com:8443'") == 2)
        #expect(try await test.number("select count(*) from delivery_targets") == 6)
    }

    @Test func `receivers that are added or enabled later are not told old news`() async throws {
        let test = try await TestStore()
        let off = try await test.endpoint("off")
        let gone = try await test.endpoint("gone")
        var change = EndpointChange()
        change.isEnabled = false
        _ = try await test.store.updateEndpoint(off.id, project: test.project, change)
        #expect(try await test.store.deleteEndpoint(gone.id, project: test.project))
        let old = try await test.dispatched()
        let late = try await test.endpoint("late")
        change.isEnabled = true
        _ = try await test.store.updateEndpoint(off.id, project: test.project, change)
        #expect(try await test.store.dispatchEvents(to: StandingReceivers(serverURL: "http://late/")) == 0)
        #expect(try await test.deliveries(event: old[0]).isEmpty)
        #expect(try await test.number("select count(*) from deliveries") == 0)
        let new = try await test.dispatched()
        #expect(Set(try await test.deliveries(event: new[0]).map(\.endpoint)) == [late.id, off.id])
    }

    @Test func `two coordinators that dispatch at once make every delivery once`() async throws {
        let test = try await TestStore()
        _ = try await test.endpoint()
        for _ in 0..<20 { _ = try await test.ended() }
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { try await test.store.dispatchEvents(to: StandingReceivers(sinks: ["events"])) }
            }
            return try await group.reduce(0, +)
        }
        #expect(counts == 20)
        #expect(try await test.number("select count(*) from deliveries") == 40)
        #expect(try await test.number("select count(distinct position) from events") == 20)
    }

    @Test func `an event that commits late gets its place behind those that were read meanwhile`() async throws {
        let test = try await TestStore()
        let slow = try await test.makeBatch()
        // Takes its number in the outbox first, and commits only when the other one has its place.
        let late = Task {
            try await test.tamper(
                """
                begin;
                insert into events (id, project_id, type, batch_id)
                    select 'evt_late', project_id, 'batch.failed', id from batches where id = '\(slow.id)';
                create table late_event_is_written ();
                do $$ begin
                    while not exists (select from events where position is not null) loop
                        perform pg_sleep(0.01);
                    end loop;
                end $$;
                drop table late_event_is_written;
                commit;
                """)
        }
        try await eventually("the late event is written") {
            try await test.number(
                "select count(*) from pg_stat_activity where query like '%late_event_is_written%' "
                    + "and wait_event = 'PgSleep'") > 0 ? true : nil
        }
        let early = try await test.dispatched()
        let first = try await test.store.listEvents(project: test.project, after: .oldest, types: nil, limit: 9)
        #expect(first.events.map(\.id) == early)
        try await late.value
        #expect(try await test.number("select seq from events where id = 'evt_late'") == 1)
        #expect(try await test.store.dispatchEvents(to: StandingReceivers()) == 1)
        for cursor in [EventCursor.place(first.place), .after(early[0])] {
            let rest = try await test.store.listEvents(project: test.project, after: cursor, types: nil, limit: 9)
            #expect(rest.events.map(\.id.rawValue) == ["evt_late"])
        }
    }

    @Test func `a consumer that reads on while many commit and dispatch misses nothing and repeats nothing`()
        async throws
    {
        let test = try await TestStore()
        var batches: [BatchID] = []
        for _ in 0..<120 { batches.append(try await test.makeBatch().id) }
        let writers = 6
        try await withThrowingTaskGroup(of: [EventID].self) { group in
            for writer in 0..<writers {
                let own = batches.enumerated().filter { $0.offset % writers == writer }.map(\.element)
                group.addTask {
                    for batch in own {
                        // The event takes its number, and commits after a while that differs.
                        try await test.tamper(
                            """
                            begin;
                            insert into events (id, project_id, type, batch_id) select 'evt_' || id, project_id,
                                'batch.failed', id from batches where id = '\(batch)';
                            select pg_sleep(random() * 0.01);
                            commit;
                            """)
                    }
                    return []
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    try await eventually("everything has its place") {
                        _ = try await test.store.dispatchEvents(to: StandingReceivers())
                        let placed = try await test.number("select count(*) from events where position is not null")
                        return placed == 120 ? [] : nil
                    }
                }
            }
            group.addTask {
                var read: [EventID] = []
                var cursor = EventCursor.oldest
                return try await eventually("everything was read") {
                    let page = try await test.store.listEvents(
                        project: test.project, after: cursor, types: nil, limit: 7)
                    read += page.events.map(\.id)
                    cursor = page.last.map { .after($0) } ?? .place(page.place)
                    return read.count >= 120 ? read : nil
                }
            }
            for try await read in group where !read.isEmpty {
                #expect(read.count == 120 && Set(read).count == 120)
            }
        }
    }
}
