// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Which deliveries to an endpoint are sent once more.
package struct DeliveryReplay: Hashable, Sendable {
    /// The endpoint.
    package var endpoint: EndpointID
    /// Events committed at or after this, Unix seconds.
    package var since: Int64
    /// And before this; nil for until now.
    package var until: Int64?
    /// Those that stand so; nil for all that have ended.
    package var status: DeliveryStatus?
    /// Whether also events of its types that it was never sent, because it was disabled or did not exist yet.
    package var includesMissed: Bool

    /// A replay of what was given up.
    package init(
        endpoint: EndpointID, since: Int64, until: Int64? = nil, status: DeliveryStatus? = .exhausted,
        includesMissed: Bool = false
    ) {
        self.endpoint = endpoint
        self.since = since
        self.until = until
        self.status = status
        self.includesMissed = includesMissed
    }
}

extension Store {
    /// Makes a delivery due again, with the same event id and the schedule from its beginning; nil when it is unknown.
    ///
    /// - Throws: a 409 ``BatchCore/BatchError`` when it cannot be sent to its endpoint any more.
    package func replayDelivery(_ id: DeliveryID, project: ProjectID) async throws -> Delivery? {
        try await pool.transaction { session in
            guard let delivery = try Self.findDelivery(id, project, session) else { return nil }
            if let endpoint = delivery.endpoint { try Self.checkEndpoint(endpoint, project, session) }
            // An event that is locked is not pruned meanwhile.
            guard try !session.query("select 1 from events where id = \(delivery.event.rawValue) for key share").isEmpty
            else { return nil }
            try session.execute(
                """
                update delivery_targets set held_until = '-infinity'
                where id = (select target from deliveries where id = \(id.rawValue))
                """)
            try session.execute(
                """
                update deliveries d set status = 'pending', settled_at = null, round_attempts = 0,
                    next_attempt_at = clock_timestamp(), owner = null, owner_until = null,
                    url = coalesce((select w.url from webhook_endpoints w where w.id = d.endpoint_id), d.url)
                where id = \(id.rawValue) and status <> 'pending'
                """)
            // One that waits for its next attempt need not wait longer.
            try session.execute(
                """
                update deliveries set next_attempt_at = clock_timestamp(), round_attempts = 0
                where id = \(id.rawValue) and status = 'pending' and owner is null
                """)
            _ = try session.query("select pg_notify(\(Signals.events), '')")
            return try Self.findDelivery(id, project, session)
        }
    }

    /// Makes the deliveries of a time range due again; returns how many.
    ///
    /// - Throws: a 404 when there is no such endpoint, a 409 ``BatchCore/BatchError`` when it is disabled.
    package func replayDeliveries(_ replay: DeliveryReplay, project: ProjectID) async throws -> Int {
        try await pool.transaction { session in
            try Self.checkEndpoint(replay.endpoint, project, session)
            try Self.lockEvents(replay, project, session)
            try Self.forgetFailures(of: replay.endpoint, session)
            var made = 0
            if replay.includesMissed { made = try Self.insertMissed(replay, session) }
            made += try session.execute(
                """
                update deliveries d set status = 'pending', settled_at = null, round_attempts = 0,
                    next_attempt_at = clock_timestamp(), owner = null, owner_until = null, url = w.url
                from events e, webhook_endpoints w
                where e.id = d.event_id and w.id = d.endpoint_id and d.endpoint_id = \(replay.endpoint.rawValue)
                  and d.status <> 'pending'
                  and (\(replay.status?.rawValue)::text is null or d.status = \(replay.status?.rawValue))
                  and e.created_at >= to_timestamp(\(replay.since)::int8)
                  and (\(replay.until)::int8 is null or e.created_at < to_timestamp(\(replay.until)::int8))
                """)
            _ = try session.query("select pg_notify(\(Signals.events), '')")
            return made
        }
    }

    /// Keeps the events of the range from being pruned meanwhile.
    private static func lockEvents(_ replay: DeliveryReplay, _ project: ProjectID, _ session: Session) throws {
        _ = try session.query(
            """
            select count(*) from (
                select 1 from events e where e.project_id = \(project.rawValue) and e.position is not null
                  and e.created_at >= to_timestamp(\(replay.since)::int8)
                  and (\(replay.until)::int8 is null or e.created_at < to_timestamp(\(replay.until)::int8))
                  and (\(replay.includesMissed) or exists (
                    select 1 from deliveries d where d.event_id = e.id and d.target = \(replay.endpoint.rawValue)))
                order by e.position for key share) e
            """)
    }

    private static func insertMissed(_ replay: DeliveryReplay, _ session: Session) throws -> Int {
        try session.execute(
            """
            insert into delivery_targets (id) values (\(replay.endpoint.rawValue)) on conflict (id) do nothing
            """)
        return try session.execute(
            """
            insert into deliveries (event_id, project_id, kind, target, endpoint_id, url)
            select e.id, e.project_id, 'endpoint', w.id, w.id, w.url
            from webhook_endpoints w join events e on e.project_id = w.project_id and e.type = any(w.event_types)
            where w.id = \(replay.endpoint.rawValue) and e.position is not null
              and e.created_at >= to_timestamp(\(replay.since)::int8)
              and (\(replay.until)::int8 is null or e.created_at < to_timestamp(\(replay.until)::int8))
            on conflict (event_id, target) do nothing
            """)
    }

    private static func checkEndpoint(_ id: EndpointID, _ project: ProjectID, _ session: Session) throws {
        let rows = try session.query(
            """
            select disabled_reason, deleted_at is not null as is_deleted from webhook_endpoints
            where id = \(id.rawValue) and project_id = \(project.rawValue) for no key update
            """)
        guard let row = rows.first else {
            throw BatchError.notFound("No webhook endpoint found with id '\(id)'.")
        }
        if try row["is_deleted", as: Bool.self] {
            throw BatchError.conflict("The webhook endpoint '\(id)' was deleted; nothing can be sent to it any more.")
        }
        if let reason = try row["disabled_reason", as: String?.self] {
            throw BatchError.conflict(
                "The webhook endpoint '\(id)' is disabled (\(reason)); enable it first.")
        }
    }
}
