// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// When an event was written into the outbox, by the clock of the database; measurements begin with it.
package struct EventMoment: Hashable, Sendable {
    /// The event.
    package var id: EventID
    /// The batch that ended.
    package var batch: BatchID
    /// What it tells of.
    package var type: EventType
    /// Microseconds since 1970. The commit follows within the same transaction.
    package var at: Int64

    /// An event and its moment.
    package init(id: EventID, batch: BatchID, type: EventType, at: Int64) {
        self.id = id
        self.batch = batch
        self.type = type
        self.at = at
    }
}

/// Where all deliveries stand.
package struct DeliveryTotals: Hashable, Sendable {
    /// Deliveries by status.
    package var deliveries: [DeliveryStatus: Int]
    /// Attempts of all of them.
    package var attempts: Int

    /// Deliveries and their attempts.
    package init(deliveries: [DeliveryStatus: Int], attempts: Int) {
        self.deliveries = deliveries
        self.attempts = attempts
    }
}

extension Store {
    /// Every event that is kept, oldest first: for measurements, not for consumers.
    package func eventMoments() async throws -> [EventMoment] {
        try await pool.run { session in
            try session.query("select id, batch_id, type, created_at from events order by seq").map { row in
                EventMoment(
                    id: try row.identifier("id"), batch: try row.identifier("batch_id"), type: try row.choice("type"),
                    at: try row["created_at", as: Timestamp.self].microseconds)
            }
        }
    }

    /// Where all deliveries of a project stand, or of everybody.
    package func deliveryTotals(project: ProjectID? = nil) async throws -> DeliveryTotals {
        try await pool.run { session in
            let rows = try session.query(
                """
                select status, count(*) as deliveries, sum(attempts)::int8 as attempts from deliveries
                where project_id = coalesce(\(project?.rawValue), project_id) group by status
                """)
            var totals = DeliveryTotals(deliveries: [:], attempts: 0)
            for row in rows {
                totals.deliveries[try row.choice("status")] = Int(try row["deliveries", as: Int64.self])
                totals.attempts += Int(try row["attempts", as: Int64.self])
            }
            return totals
        }
    }
}
