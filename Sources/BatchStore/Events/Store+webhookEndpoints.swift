// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// What changes of an endpoint; nil stays as it is.
package struct EndpointChange: Hashable, Sendable {
    /// What its owner calls it.
    package var name: String?
    /// Where events are posted.
    package var url: String?
    /// The events it wants, all of them.
    package var eventTypes: [EventType]?
    /// Whether it is told anything.
    package var isEnabled: Bool?

    /// No change.
    package init() {}
}

extension Store {
    /// Registers a receiver of a project's events; it is told of events from now on.
    ///
    /// - Parameters:
    ///   - secret: sealed for ``SealedSecret/context(of:)``.
    ///   - limit: most endpoints of one project.
    /// - Throws: a 400 ``BatchCore/BatchError`` when the project has `limit` of them.
    package func insertEndpoint(_ endpoint: WebhookEndpoint, secret: [UInt8], limit: Int) async throws
        -> WebhookEndpoint
    {
        try await pool.transaction { session in
            // The project's row makes rivals count one after another.
            _ = try session.query("select 1 from projects where id = \(endpoint.project.rawValue) for no key update")
            let rows = try session.query(
                """
                insert into webhook_endpoints (id, project_id, name, url, event_types, secret, secret_hint)
                select \(endpoint.id.rawValue), \(endpoint.project.rawValue), \(endpoint.name), \(endpoint.url),
                    \(endpoint.eventTypes.map(\.rawValue)), \(secret), \(endpoint.secretHint)
                where (select count(*) from webhook_endpoints
                    where project_id = \(endpoint.project.rawValue) and deleted_at is null) < \(Int64(limit))
                returning id
                """)
            guard !rows.isEmpty, let stored = try Self.findEndpoint(endpoint.id, endpoint.project, session) else {
                throw BatchError.invalid(
                    "The project has \(limit) webhook endpoints, which is the most it may have; delete one first.",
                    code: "webhook_endpoint_limit_exceeded")
            }
            return stored
        }
    }

    /// The endpoint of that id; nil when it is unknown, deleted, or belongs to another project.
    package func findEndpoint(_ id: EndpointID, project: ProjectID) async throws -> WebhookEndpoint? {
        try await pool.run(retryingConnectionLoss: true) { session in try Self.findEndpoint(id, project, session) }
    }

    /// The secrets that sign what an endpoint is sent, newest first.
    package func endpointSecrets(_ id: EndpointID, project: ProjectID) async throws -> [SealedSecret] {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select s.secret from webhook_endpoints w cross join lateral (
                    values (1, w.secret), (2, case when w.old_secret_until > clock_timestamp() then w.old_secret end)
                ) as s (rank, secret)
                where w.id = \(id.rawValue) and w.project_id = \(project.rawValue) and w.deleted_at is null
                  and s.secret is not null
                order by s.rank
                """
            ).map {
                SealedSecret(bytes: try $0["secret", as: [UInt8].self], context: SealedSecret.context(of: id))
            }
        }
    }

    /// One page of a project's endpoints, newest first. (contracts: endpoint management)
    package func listEndpoints(
        project: ProjectID, after: EndpointID?, limit: Int
    ) async throws -> ListPage<WebhookEndpoint> {
        let found = try await pool.run(retryingConnectionLoss: true) { session in
            var cursor = Int64.max
            if let after {
                let rows = try session.query(
                    """
                    select seq from webhook_endpoints
                    where id = \(after.rawValue) and project_id = \(project.rawValue)
                    """)
                guard let row = rows.first else {
                    throw BatchError.invalid("No webhook endpoint with id '\(after)' to list after.", param: "after")
                }
                cursor = try row["seq", as: Int64.self]
            }
            return try session.query(
                """
                select \(unescaped: Self.endpointColumns)
                from webhook_endpoints w left join delivery_targets t on t.id = w.id
                where w.project_id = \(project.rawValue) and w.deleted_at is null and w.seq < \(cursor)
                order by w.seq desc limit \(limit + 1)
                """
            ).map(Self.endpoint)
        }
        return ListPage(elements: Array(found.prefix(limit)), hasMore: found.count > limit)
    }

    /// Changes an endpoint and returns it; nil when there is none. A change that changes nothing leaves `updated_at`.
    ///
    /// Disabling gives its pending deliveries up; enabling or a new URL forgets its failures.
    package func updateEndpoint(
        _ id: EndpointID, project: ProjectID, _ change: EndpointChange
    ) async throws -> WebhookEndpoint? {
        try await pool.transaction { session in
            let reason = change.isEnabled == false ? "it was disabled by its owner" : nil
            let rows = try session.query(
                """
                with old as materialized (
                    select * from webhook_endpoints
                    where id = \(id.rawValue) and project_id = \(project.rawValue) and deleted_at is null for update
                ), new as materialized (
                    select id, coalesce(\(change.name), name) as name, coalesce(\(change.url), url) as url,
                        case when \(change.eventTypes != nil)
                            then \((change.eventTypes ?? []).map(\.rawValue)) else event_types end as event_types,
                        case \(change.isEnabled) when true then null
                            when false then coalesce(disabled_reason, \(reason))
                            else disabled_reason end as disabled_reason
                    from old
                )
                update webhook_endpoints w set name = n.name, url = n.url, event_types = n.event_types,
                    disabled_reason = n.disabled_reason, updated_at = clock_timestamp(),
                    disabled_at = case when n.disabled_reason is not null
                        then coalesce(w.disabled_at, clock_timestamp()) end
                from new n where w.id = n.id and (w.name, w.url, w.event_types, w.disabled_reason)
                    is distinct from (n.name, n.url, n.event_types, n.disabled_reason)
                returning w.disabled_at is not null as is_disabled
                """)
            try Self.lockTarget(of: id, session)
            if try rows.first?["is_disabled", as: Bool.self] == true {
                try Self.giveUpDeliveries(to: id, because: "the endpoint was disabled by its owner", session)
            } else if !rows.isEmpty && (change.isEnabled == true || change.url != nil) {
                try Self.forgetFailures(of: id, session)
            }
            if let url = change.url {
                try session.execute(
                    "update deliveries set url = \(url) where target = \(id.rawValue) and status = 'pending'")
            }
            return try Self.findEndpoint(id, project, session)
        }
    }

    /// Gives an endpoint a new secret and returns it; nil when there is none.
    ///
    /// - Parameter keepOldFor: how long the present secret signs beside the new one; nil: not at all.
    package func rotateSecret(
        _ id: EndpointID, project: ProjectID, secret: [UInt8], hint: String, keepOldFor: Duration?
    ) async throws -> WebhookEndpoint? {
        try await pool.transaction { session in
            try session.execute(
                """
                update webhook_endpoints set secret = \(secret), secret_hint = \(hint),
                    old_secret = case when \(keepOldFor)::interval is not null then secret end,
                    old_secret_until = clock_timestamp() + \(keepOldFor), updated_at = clock_timestamp()
                where id = \(id.rawValue) and project_id = \(project.rawValue) and deleted_at is null
                """)
            return try Self.findEndpoint(id, project, session)
        }
    }

    /// Deletes an endpoint; its pending deliveries are given up, and their log stays. False when there is none.
    package func deleteEndpoint(_ id: EndpointID, project: ProjectID) async throws -> Bool {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                update webhook_endpoints set deleted_at = clock_timestamp(), secret = '', old_secret = null,
                    old_secret_until = null
                where id = \(id.rawValue) and project_id = \(project.rawValue) and deleted_at is null
                returning id
                """)
            guard !rows.isEmpty else { return false }
            try Self.lockTarget(of: id, session)
            try Self.giveUpDeliveries(to: id, because: "the endpoint was deleted", session)
            return true
        }
    }

    /// Whoever changes several deliveries of a target holds its row, so that two never wait for each other.
    static func lockTarget(of id: EndpointID, _ session: Session) throws {
        _ = try session.query("select 1 from delivery_targets where id = \(id.rawValue) for no key update")
    }

    private static func giveUpDeliveries(
        to id: EndpointID, because reason: String, _ session: Session
    ) throws {
        try session.execute(
            """
            update deliveries set status = 'exhausted', settled_at = clock_timestamp(), owner = null,
                owner_until = null, last_error = \(reason)
            where target = \(id.rawValue) and status = 'pending'
            """)
    }

    /// The next attempt is made at once.
    static func forgetFailures(of id: EndpointID, _ session: Session) throws {
        try session.execute(
            """
            update delivery_targets set failures = 0, failing_since = null, held_until = '-infinity'
            where id = \(id.rawValue)
            """)
    }

    private static func findEndpoint(
        _ id: EndpointID, _ project: ProjectID, _ session: Session
    ) throws -> WebhookEndpoint? {
        try session.query(
            """
            select \(unescaped: endpointColumns)
            from webhook_endpoints w left join delivery_targets t on t.id = w.id
            where w.id = \(id.rawValue) and w.project_id = \(project.rawValue) and w.deleted_at is null
            """
        ).first.map(endpoint)
    }

    private static let endpointColumns: StaticString = """
        w.id, w.project_id, w.name, w.url, w.event_types, w.secret_hint, w.created_at, w.updated_at,
        w.disabled_reason, t.failing_since
        """

    private static func endpoint(_ row: Row) throws -> WebhookEndpoint {
        WebhookEndpoint(
            id: try row.identifier("id"), project: try row.identifier("project_id"),
            name: try row["name", as: String.self], url: try row["url", as: String.self],
            eventTypes: try row["event_types", as: [String].self].compactMap(EventType.init(rawValue:)),
            secretHint: try row["secret_hint", as: String.self], createdAt: try row.seconds("created_at"),
            updatedAt: try row.seconds("updated_at"), disabledReason: try row["disabled_reason", as: String?.self],
            failingSince: try row.optionalSeconds("failing_since"))
    }
}
