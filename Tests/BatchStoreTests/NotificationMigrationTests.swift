// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct NotificationMigrationTests {
    /// Five batches that have ended: two deliveries were settled, one waits, one event has no receiver, and one was not
    /// dispatched before the change.
    private static let past = """
        insert into projects (id, name) values ('proj_old', 'tests');
        insert into batches (id, project_id, status, input_file_id, endpoint, completion_window, problems, expires_at,
            failed_at)
        select 'batch_' || n, 'proj_old', 'failed', 'file-none', '/v1/chat/completions', '24h', '[]',
            clock_timestamp() + interval '1 day', clock_timestamp() from generate_series(1, 5) n;
        insert into events (id, project_id, type, batch_id, dispatched_at)
        select 'evt_' || n, 'proj_old', 'batch.failed', 'batch_' || n,
            case when n <> 3 then clock_timestamp() end from generate_series(1, 5) n;
        insert into deliveries (event_id, url, state, attempts, last_status, last_error, settled_at, next_attempt_at)
        values ('evt_1', 'http://old/', 'delivered', 1, 200, null, clock_timestamp(), clock_timestamp()),
            ('evt_2', 'http://old/', 'exhausted', 10, 500, 'it failed', clock_timestamp(), clock_timestamp()),
            ('evt_4', 'http://older/', 'pending', 2, 503, 'busy', null, clock_timestamp() - interval '1 minute'),
            ('evt_4', 'http://old/', 'pending', 3, 502, 'busy', null, clock_timestamp() - interval '1 minute');
        """

    @Test func `deliveries are carried over, and events keep their order`() async throws {
        let test = try await TestStore(migratingFrom: "0009_notifications", after: Self.past)
        #expect(test.project.rawValue == "proj_old")
        #expect(try await test.number("select count(*) from deliveries where kind = 'server'") == 3)
        for (event, status, attempts) in [("evt_1", "delivered", 1), ("evt_2", "exhausted", 10)] {
            #expect(
                try await test.number(
                    "select attempts from deliveries where event_id = '\(event)' and status = '\(status)' "
                        + "and settled_at is not null") == attempts)
        }
        let page = try await test.store.listEvents(project: test.project, after: .oldest, types: nil, limit: 9)
        #expect(page.events.map(\.id.rawValue) == ["evt_1", "evt_2", "evt_4", "evt_5"])
        #expect(try await test.store.dispatchEvents(to: StandingReceivers(serverURL: "http://new/")) == 1)
        let rest = try await test.store.listEvents(
            project: test.project, after: .place(page.place), types: nil, limit: 9)
        #expect(rest.events.map(\.id.rawValue) == ["evt_3"])
        let owner = CoordinatorID.random()
        let waiting = try #require(try await test.claim(by: owner).first)
        #expect(waiting.event.id.rawValue == "evt_4" && waiting.kind == .server && waiting.url == "http://old/")
        #expect(waiting.attempts == 4 && waiting.roundAttempts == 4)
        try await test.settle(waiting, .delivered, by: owner)
        let fresh = try await test.claim(by: owner)
        #expect(fresh.map(\.event.id.rawValue) == ["evt_3"] && fresh.map(\.url) == ["http://new/"])
        #expect(try await test.store.migrate().isEmpty)
    }
}
