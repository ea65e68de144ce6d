// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Which deliveries of a project are listed; nil for all.
package struct DeliveryFilter: Hashable, Sendable {
    /// Those to this endpoint.
    package var endpoint: EndpointID?
    /// Those that tell of this batch.
    package var batch: BatchID?
    /// Those of this event.
    package var event: EventID?
    /// Those that stand so.
    package var status: DeliveryStatus?

    /// All of them.
    package init() {}
}

extension Store {
    /// One page of the deliveries of a project, newest first: to its endpoints and to the receivers of its batches. The
    /// operator's own receivers are no business of a tenant's.
    package func listDeliveries(
        project: ProjectID, _ filter: DeliveryFilter, after: DeliveryID?, limit: Int
    ) async throws -> ListPage<Delivery> {
        let found = try await pool.run(retryingConnectionLoss: true) { session in
            var cursor = Int64.max
            if let after {
                let rows = try session.query(
                    "select seq from deliveries where id = \(after.rawValue) and project_id = \(project.rawValue)")
                guard let row = rows.first else {
                    throw BatchError.invalid("No webhook delivery with id '\(after)' to list after.", param: "after")
                }
                cursor = try row["seq", as: Int64.self]
            }
            var conditions: Fragment = "d.project_id = \(project.rawValue) and d.seq < \(cursor)"
            if let endpoint = filter.endpoint { conditions = conditions + " and d.endpoint_id = \(endpoint.rawValue)" }
            if let batch = filter.batch { conditions = conditions + " and e.batch_id = \(batch.rawValue)" }
            if let event = filter.event { conditions = conditions + " and d.event_id = \(event.rawValue)" }
            if let status = filter.status { conditions = conditions + " and d.status = \(status.rawValue)" }
            return try session.query(
                """
                select \(unescaped: Self.deliveryColumns) from deliveries d join events e on e.id = d.event_id
                where d.kind in ('endpoint', 'batch', 'callback') and \(conditions)
                order by d.seq desc limit \(limit + 1)
                """
            ).map(Self.delivery)
        }
        return ListPage(elements: Array(found.prefix(limit)), hasMore: found.count > limit)
    }

    /// A delivery with its attempts, oldest first; nil when it is unknown or no business of the project's.
    package func findDelivery(
        _ id: DeliveryID, project: ProjectID
    ) async throws -> (delivery: Delivery, log: [DeliveryAttempt])? {
        try await pool.run(retryingConnectionLoss: true) { session in
            guard let delivery = try Self.findDelivery(id, project, session) else { return nil }
            let log = try session.query(
                """
                select a.attempt, a.at, a.latency_ms, a.status_code, a.error, a.answer
                from delivery_attempts a join deliveries d on d.seq = a.delivery_seq
                where d.id = \(id.rawValue) order by a.attempt
                """
            ).map { row in
                DeliveryAttempt(
                    number: try row["attempt", as: Int32.self], at: try row.seconds("at"),
                    latency: try row["latency_ms", as: Int32.self],
                    statusCode: try row["status_code", as: Int32?.self], error: try row["error", as: String?.self],
                    answer: try row["answer", as: [UInt8]?.self])
            }
            return (delivery, log)
        }
    }

    /// The same inside a transaction, without the attempts.
    static func findDelivery(_ id: DeliveryID, _ project: ProjectID, _ session: Session) throws -> Delivery? {
        try session.query(
            """
            select \(unescaped: deliveryColumns) from deliveries d join events e on e.id = d.event_id
            where d.id = \(id.rawValue) and d.project_id = \(project.rawValue)
              and d.kind in ('endpoint', 'batch', 'callback')
            """
        ).first.map(delivery)
    }

    private static let deliveryColumns: StaticString = """
        d.id, d.event_id, e.type, e.batch_id, d.kind, d.endpoint_id, d.url, d.status, d.attempts,
        case when d.status = 'pending' then d.next_attempt_at end as next_attempt_at, d.last_status_code,
        d.last_latency_ms, d.last_error, d.created_at, d.settled_at
        """

    private static func delivery(_ row: Row) throws -> Delivery {
        Delivery(
            id: try row.identifier("id"), event: try row.identifier("event_id"), eventType: try row.choice("type"),
            batch: try row.identifier("batch_id"), kind: try row.choice("kind"),
            endpoint: try row.optionalIdentifier("endpoint_id"), url: try row["url", as: String.self],
            status: try row.choice("status"), attempts: try row["attempts", as: Int32.self],
            nextAttemptAt: try row.optionalSeconds("next_attempt_at"),
            lastStatusCode: try row["last_status_code", as: Int32?.self],
            lastLatency: try row["last_latency_ms", as: Int32?.self],
            lastError: try row["last_error", as: String?.self], createdAt: try row.seconds("created_at"),
            settledAt: try row.optionalSeconds("settled_at"))
    }
}
