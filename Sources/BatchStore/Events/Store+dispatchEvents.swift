// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// Who is told of events besides the endpoints and callbacks that stand in the database.
package struct StandingReceivers: Hashable, Sendable {
    /// The operator's receiver for all projects, or nil.
    package var serverURL: String?
    /// Names of the operator's message brokers.
    package var sinks: [String]

    /// Standing receivers; none unless given.
    package init(serverURL: String? = nil, sinks: [String] = []) {
        self.serverURL = serverURL
        self.sinks = sinks
    }
}

extension Store {
    /// Events dispatched by one transaction at most; as many say that there may be more.
    package static let dispatchLimit = 500
    /// The advisory lock of the one dispatcher at a time.
    private static let dispatchLock: Int64 = 0x7368_6172_6465

    /// Gives events that have none a place in the stream, and makes a pending delivery for everyone who wants them;
    /// returns how many events.
    ///
    /// Receivers that are added later are not told old news; endpoints are locked, so that one that is disabled,
    /// deleted or moved at the same moment is so before this or finds its deliveries made. One dispatcher at a time
    /// holds the lock until its commit, so that places become visible in their order.
    package func dispatchEvents(to standing: StandingReceivers) async throws -> Int {
        try await pool.transaction { session in
            _ = try session.query("select pg_advisory_xact_lock(\(Self.dispatchLock))")
            let projects = try session.query(Self.dispatch(to: standing))
            for row in projects {
                let project = try row["project_id", as: String.self]
                _ = try session.query("select pg_notify(\(Signals.published), \(project))")
            }
            return Int(try projects.reduce(0) { try $0 + $1["events", as: Int64.self] })
        }
    }

    private static func dispatch(to standing: StandingReceivers) -> Query {
        """
        with taken as materialized (
            select seq, id, project_id, type, batch_id from events where position is null
            order by seq limit \(dispatchLimit)
        ), placed as (
            update events e set position = p.position
            from (select seq, nextval('events_position_seq') as position
                from (select seq from taken order by seq) s) p
            where e.seq = p.seq
        ), receivers as materialized (
            select id, project_id, url, event_types from webhook_endpoints
            where project_id in (select project_id from taken) and deleted_at is null and disabled_at is null
            order by id for share
        ), wanted as (
            select t.id as event, t.project_id, 'endpoint' as kind, r.id as target, r.id as endpoint, r.url
            from taken t join receivers r on r.project_id = t.project_id
            where t.type = any(r.event_types)
            union all
            select t.id, t.project_id, c.kind, c.kind || ':' || t.project_id || ':'
                || coalesce(lower(substring(c.url from '^[^/?#]+//[^/?#]*')), 'other'), null, c.url
            from taken t join batches b on b.id = t.batch_id
            cross join lateral (values ('batch', b.webhook_url), ('callback', b.callback_url)) as c (kind, url)
            where c.url is not null
            union all
            select t.id, t.project_id, 'server', 'server', null, s.url
            from taken t cross join (select \(standing.serverURL)::text as url) s where s.url is not null
            union all
            select t.id, t.project_id, 'sink', 'sink:' || s.name, null, s.name
            from taken t cross join unnest(\(standing.sinks)) as s (name)
        ), made as (
            insert into deliveries (event_id, project_id, kind, target, endpoint_id, url)
            select event, project_id, kind, target, endpoint, url from wanted
            on conflict (event_id, target) do nothing
            returning target
        ), known as (
            insert into delivery_targets (id) select distinct target from made on conflict (id) do nothing
        )
        select project_id, count(*) as events from taken group by project_id
        """
    }
}
