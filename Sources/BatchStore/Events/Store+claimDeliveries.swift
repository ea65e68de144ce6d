// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// One event to be told to one receiver.
package struct DeliveryDuty: Sendable {
    /// The delivery's row.
    package var sequence: Int64
    /// Whose health it counts for.
    package var target: String
    /// Who is told.
    package var kind: DeliveryKind
    /// Where to send it; of a sink its name.
    package var url: String
    /// Attempts in all, this one included.
    package var attempts: Int32
    /// Attempts since it was made or last replayed, this one included.
    package var roundAttempts: Int32
    /// What to tell.
    package var event: OutboxEvent
    /// The sealed secrets that sign it, newest first; none sends it unsigned.
    package var secrets: [SealedSecret]
    /// Whether the target's attempts succeed; the others have slots of their own.
    package var isHealthy: Bool
}

/// A secret as the database keeps it, and what it was sealed for.
package struct SealedSecret: Hashable, Sendable {
    /// The sealed bytes.
    package var bytes: [UInt8]
    /// The context without which they cannot be opened.
    package var context: String

    /// A sealed secret.
    package init(bytes: [UInt8], context: String) {
        self.bytes = bytes
        self.context = context
    }

    /// The context of the secret of an endpoint.
    package static func context(of endpoint: EndpointID) -> String { "webhook_endpoints/\(endpoint)" }
    /// The context of the secrets of the webhooks of a project's batches; batches that are retried pass theirs on.
    package static func context(ofBatchesOf project: ProjectID) -> String { "batches/\(project)" }
}

/// How many deliveries may be claimed.
package struct DeliveryPlaces: Hashable, Sendable {
    /// In all; targets whose last attempt succeeded may take all of them.
    package var all: Int
    /// Of these, for targets whose last attempt failed or that had none yet.
    package var doubtful: Int
    /// Attempts under way to one healthy target at once; a doubtful one gets one at a time.
    package var perTarget: Int

    /// Places.
    package init(all: Int, doubtful: Int, perTarget: Int) {
        self.all = all
        self.doubtful = doubtful
        self.perTarget = perTarget
    }
}

extension Store {
    /// The advisory lock of the one claim at a time.
    private static let claimLock: Int64 = 0x7368_6172_6463

    /// Takes deliveries that are due; nobody else attempts them until the lease runs out.
    ///
    /// Targets are visited one by one, so that a thousand waiting deliveries of one dead receiver cost as much as one,
    /// and within the places those that have been due for longest come first. One claim at a time, so that rivals see
    /// what is under way to a target. An attempt whose end nobody recorded has no place in the schedule.
    package func claimDeliveries(
        owner: CoordinatorID, places: DeliveryPlaces, lease: Duration
    ) async throws -> [DeliveryDuty] {
        guard places.all > 0 else { return [] }
        return try await pool.transaction { session in
            // Nobody waits for the disk with the lock: a claim that a crash of the database forgets is made again.
            _ = try session.query(
                "select set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(\(Self.claimLock))")
            let rows = try session.query(Self.claim(owner, places, lease))
            let batches = try Self.endedBatches(try rows.map { try $0["event_id", as: String.self] }, session)
            return try rows.map { try Self.duty($0, batches) }
        }
    }

    /// Keeps deliveries whose attempts are under way; those that somebody else has meanwhile stay his, and those that
    /// are just being recorded need nothing.
    package func renewDeliveries(_ sequences: [Int64], owner: CoordinatorID, lease: Duration) async throws {
        guard !sequences.isEmpty else { return }
        try await pool.run { session in
            _ = try session.execute(
                """
                update deliveries set owner_until = clock_timestamp() + \(lease)
                where seq in (
                    select seq from deliveries
                    where seq = any(\(sequences)) and owner = \(owner.rawValue) and status = 'pending'
                    for update skip locked)
                """)
        }
    }

    private static func claim(_ owner: CoordinatorID, _ places: DeliveryPlaces, _ lease: Duration) -> Query {
        """
        with recursive waiting as (
            (select target from deliveries where status = 'pending' order by target limit 1)
            union all
            select (select d.target from deliveries d where d.status = 'pending' and d.target > w.target
                order by d.target limit 1)
            from waiting w where w.target is not null
        ), ready as materialized (
            select t.id, h.is_healthy, f.in_flight
            from waiting w join delivery_targets t on t.id = w.target
            cross join lateral (select t.failures = 0 and t.succeeded_at is not null as is_healthy) h
            cross join lateral (
                select count(*) as in_flight from deliveries l
                where l.target = t.id and l.owner is not null and l.owner_until > clock_timestamp()) f
            where t.held_until <= clock_timestamp() and (h.is_healthy or \(places.doubtful) > 0)
        ), due as materialized (
            select d.seq, d.next_attempt_at, r.is_healthy from ready r cross join lateral (
                select seq, next_attempt_at from deliveries
                where target = r.id and status = 'pending' and next_attempt_at <= clock_timestamp()
                  and (owner_until is null or owner_until < clock_timestamp())
                order by next_attempt_at
                limit greatest(case when r.is_healthy then \(places.perTarget) else 1 end - r.in_flight, 0)) d
        ), chosen as materialized (
            select seq, is_healthy from (
                select * from due where is_healthy
                union all
                (select * from due where not is_healthy order by next_attempt_at limit \(places.doubtful))) c
            order by next_attempt_at limit \(places.all)
        ), locked as materialized (
            -- Only what is taken: locking a thousand rows to leave most of them would be work for nothing.
            select d.seq, c.is_healthy from chosen c join deliveries d on d.seq = c.seq
            where d.status = 'pending' and d.next_attempt_at <= clock_timestamp()
              and (d.owner_until is null or d.owner_until < clock_timestamp())
            for update of d skip locked
        ), claimed as (
            update deliveries d set owner = \(owner.rawValue), owner_until = clock_timestamp() + \(lease),
                attempts = attempts + 1,
                round_attempts = case when d.owner is null then round_attempts + 1 else greatest(round_attempts, 1) end
            from locked c where d.seq = c.seq
            returning d.seq, d.target, d.kind, d.url, d.attempts, d.round_attempts, d.event_id, d.endpoint_id,
                d.project_id, c.is_healthy
        )
        select c.*, e.type, e.created_at, e.batch_id,
            case when c.kind = 'batch' then b.webhook_secret end as batch_secret,
            w.secret, case when w.old_secret_until > clock_timestamp() then w.old_secret end as old_secret
        from claimed c join events e on e.id = c.event_id join batches b on b.id = e.batch_id
        left join webhook_endpoints w on w.id = c.endpoint_id
        order by c.seq
        """
    }

    /// What the batches of events were at the end that each event tells of, by the event; their counts stand in the
    /// row.
    ///
    /// A batch that has ended does not change, but for an Ark job that was resumed: then its row of that end stands
    /// with the event.
    static func endedBatches(_ events: [String], _ session: Session) throws -> [EventID: Batch] {
        guard !events.isEmpty else { return [:] }
        let rows = try session.query(
            """
            select event_id, \(unescaped: batchColumns) from (
                select e.id as event_id, b.* from events e join batches b on b.id = e.batch_id
                where e.id = any(\(events)) and e.batch_then is null
                union all
                select e.id, b.* from events e cross join lateral jsonb_populate_record(null::batches, e.batch_then) b
                where e.id = any(\(events)) and e.batch_then is not null
            ) ended
            """)
        let pairs = try rows.map { row -> (EventID, Batch) in (try row.identifier("event_id"), try batch(row)) }
        return Dictionary(pairs) { first, _ in first }
    }

    /// The event of a row with the event's columns.
    static func event(_ row: Row, id column: String, _ batches: [EventID: Batch]) throws -> OutboxEvent {
        let id: EventID = try row.identifier(column)
        guard let batch = batches[id] else {
            throw RowMismatch(description: "the event \(id) has no batch")
        }
        return OutboxEvent(
            id: id, type: try row.choice("type"), createdAt: try row.seconds("created_at"), batch: batch)
    }

    private static func duty(_ row: Row, _ batches: [EventID: Batch]) throws -> DeliveryDuty {
        let endpoint: EndpointID? = try row.optionalIdentifier("endpoint_id")
        var secrets: [SealedSecret] = []
        if let endpoint {
            for column in ["secret", "old_secret"] {
                guard let bytes = try row[column, as: [UInt8]?.self] else { continue }
                secrets.append(SealedSecret(bytes: bytes, context: SealedSecret.context(of: endpoint)))
            }
        } else if let bytes = try row["batch_secret", as: [UInt8]?.self] {
            let project: ProjectID = try row.identifier("project_id")
            secrets.append(SealedSecret(bytes: bytes, context: SealedSecret.context(ofBatchesOf: project)))
        }
        return DeliveryDuty(
            sequence: try row["seq", as: Int64.self], target: try row["target", as: String.self],
            kind: try row.choice("kind"), url: try row["url", as: String.self],
            attempts: try row["attempts", as: Int32.self], roundAttempts: try row["round_attempts", as: Int32.self],
            event: try event(row, id: "event_id", batches), secrets: secrets,
            isHealthy: try row["is_healthy", as: Bool.self])
    }
}
