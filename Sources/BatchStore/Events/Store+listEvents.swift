// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Where a consumer of events stands.
package enum EventCursor: Hashable, Sendable {
    /// Before the oldest event that is kept.
    case oldest
    /// After that event.
    case after(EventID)
    /// After the place in the stream, as an earlier page said it.
    case place(Int64)
    /// After the newest event.
    case now
}

/// One page of the stream of a project's events.
package struct EventPage: Sendable {
    /// The events, oldest first.
    package var events: [OutboxEvent]
    /// How far the stream was read: the place of the last of them, or the end of the stream when that was reached.
    package var place: Int64
    /// The event at the place; nil when the project has none yet.
    package var last: EventID?
    /// Whether more follow at once.
    package var hasMore: Bool
}

extension Store {
    /// Events of a project after a cursor, oldest first. Whoever reads on from `place` misses nothing and reads nothing
    /// twice. Those of Ark's jobs that were deleted are left out.
    ///
    /// - Throws: a 404 ``BatchCore/BatchError`` when the cursor names no event that is kept.
    package func listEvents(
        project: ProjectID, after cursor: EventCursor, types: [EventType]?, limit: Int
    ) async throws -> EventPage {
        try await pool.run(retryingConnectionLoss: true) { session in
            // The end first: what is placed behind it meanwhile belongs to the next page.
            let end = try Self.place(of: .now, project, session)
            let start = try cursor == .now ? end : Self.place(of: cursor, project, session)
            let wanted = (types ?? EventType.allCases).map(\.rawValue)
            let rows = try session.query(
                """
                select id, type, batch_id, created_at, position from events
                where project_id = \(project.rawValue) and position > \(start.place) and position <= \(end.place)
                  and type = any(\(wanted)) and not exists (
                    select 1 from ark_jobs j where j.batch_id = events.batch_id and j.deleted_at is not null)
                order by position limit \(limit + 1)
                """)
            let hasMore = rows.count > limit
            let page = rows.prefix(limit)
            let batches = try Self.endedBatches(try page.map { try $0["id", as: String.self] }, session)
            let events = try page.map { try Self.event($0, id: "id", batches) }
            guard hasMore, let last = page.last else {
                // A restored database may end before a consumer's place; the consumer stays where it is.
                let furthest = end.place >= start.place ? end : start
                return EventPage(events: events, place: furthest.place, last: furthest.event, hasMore: false)
            }
            return EventPage(
                events: events, place: try last["position", as: Int64.self], last: events.last?.id, hasMore: true)
        }
    }

    private static func place(
        of cursor: EventCursor, _ project: ProjectID, _ session: Session
    ) throws -> (place: Int64, event: EventID?) {
        switch cursor {
        case .oldest: return (0, nil)
        case .place(let place): return (place, nil)
        case .now:
            let rows = try session.query(
                """
                select id, position from events where project_id = \(project.rawValue) and position is not null
                order by position desc limit 1
                """)
            guard let row = rows.first else { return (0, nil) }
            return (try row["position", as: Int64.self], try row.identifier("id"))
        case .after(let id):
            let rows = try session.query(
                """
                select position from events
                where id = \(id.rawValue) and project_id = \(project.rawValue) and position is not null
                """)
            guard let row = rows.first else {
                throw BatchError.notFound(
                    "No event found with id '\(id)'; it may be older than what is kept. Leave 'after' out to start "
                        + "with the oldest event.")
            }
            return (try row["position", as: Int64.self], id)
        }
    }

    /// Events deleted by one pass.
    private static let pruneEventsLimit = 500

    /// Deletes events with their deliveries when they are older than `age` and nothing is left to deliver; returns how
    /// many. The newest event of a project stays: consumers that have read all stand behind it.
    package func pruneEvents(olderThan age: Duration) async throws -> Int {
        try await pool.transaction { session in
            let ids = try session.query(
                """
                select id from events e
                where created_at < clock_timestamp() - \(age) and position is not null and not exists (
                    select 1 from deliveries d where d.event_id = e.id and d.status = 'pending')
                  and exists (
                    select 1 from events n where n.project_id = e.project_id and n.position > e.position)
                order by created_at limit \(Self.pruneEventsLimit) for update skip locked
                """
            ).map { try $0["id", as: String.self] }
            guard !ids.isEmpty else { return 0 }
            try session.execute("delete from deliveries where event_id = any(\(ids))")
            return try session.execute("delete from events where id = any(\(ids))")
        }
    }
}
