// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// One event to be told to one URL.
package struct DeliveryDuty: Sendable {
    /// The delivery's row.
    package var id: Int64
    /// The event, the same on every attempt.
    package var event: EventID
    /// Its type, such as `batch.completed`.
    package var type: String
    /// The batch that it tells of.
    package var batch: BatchID
    /// When the event was committed, Unix seconds.
    package var createdAt: Int64
    /// Where to send it.
    package var url: String
    /// Attempts so far, this one included.
    package var attempts: Int32
}

/// How an attempt ended.
package enum DeliveryResult: Hashable, Sendable {
    /// The receiver took it.
    case delivered(status: Int32)
    /// Try again after this long.
    case again(after: Duration, status: Int32?, error: String)
    /// No more attempts.
    case exhausted(status: Int32?, error: String)
}

extension Store {
    /// Events dispatched by one statement.
    private static let dispatchLimit = 500

    /// Makes a pending delivery to each of `urls` for events that have none yet; returns how many events.
    ///
    /// Without receivers the events count as dispatched, so that a receiver added later is not told old news.
    package func dispatchEvents(urls: [String]) async throws -> Int {
        try await pool.run { session in
            try session.query(
                """
                with dispatched as (
                    update events set dispatched_at = clock_timestamp() where seq in (
                        select seq from events where dispatched_at is null
                        order by seq limit \(Self.dispatchLimit) for update skip locked)
                    returning id
                ), made as (
                    insert into deliveries (event_id, url)
                    select d.id, u.url from dispatched d cross join unnest(\(urls)) as u (url)
                    on conflict (event_id, url) do nothing
                )
                select id from dispatched
                """
            ).count
        }
    }

    /// Takes deliveries that are due, at most `limit`; nobody else attempts them until the lease runs out.
    package func claimDeliveries(owner: CoordinatorID, limit: Int, lease: Duration) async throws -> [DeliveryDuty] {
        try await pool.run { session in
            try session.query(
                """
                update deliveries d set owner = \(owner.rawValue), owner_until = clock_timestamp() + \(lease),
                    attempts = d.attempts + 1
                from events e
                where d.id in (
                    select id from deliveries
                    where state = 'pending' and next_attempt_at <= clock_timestamp()
                      and (owner_until is null or owner_until < clock_timestamp())
                    order by next_attempt_at limit \(limit) for update skip locked)
                  and e.id = d.event_id
                returning d.id, d.url, d.attempts, e.id as event_id, e.type, e.batch_id, e.created_at
                """
            ).map { row in
                DeliveryDuty(
                    id: try row["id", as: Int64.self], event: try row.identifier("event_id"),
                    type: try row["type", as: String.self], batch: try row.identifier("batch_id"),
                    createdAt: try row.seconds("created_at"), url: try row["url", as: String.self],
                    attempts: try row["attempts", as: Int32.self])
            }
        }
    }

    /// Records how an attempt ended, where the attempt is still the latest.
    package func settleDelivery(_ duty: DeliveryDuty, _ result: DeliveryResult) async throws {
        try await pool.run { session in
            switch result {
            case .delivered(let status):
                try session.execute(
                    """
                    update deliveries set state = 'delivered', settled_at = clock_timestamp(), owner_until = null,
                        last_status = \(status), last_error = null
                    where id = \(duty.id) and attempts = \(duty.attempts) and state = 'pending'
                    """)
            case .again(let delay, let status, let error):
                try session.execute(
                    """
                    update deliveries set next_attempt_at = clock_timestamp() + \(delay), owner_until = null,
                        last_status = \(status), last_error = \(error)
                    where id = \(duty.id) and attempts = \(duty.attempts) and state = 'pending'
                    """)
            case .exhausted(let status, let error):
                try session.execute(
                    """
                    update deliveries set state = 'exhausted', settled_at = clock_timestamp(), owner_until = null,
                        last_status = \(status), last_error = \(error)
                    where id = \(duty.id) and attempts = \(duty.attempts) and state = 'pending'
                    """)
            }
        }
    }
}
