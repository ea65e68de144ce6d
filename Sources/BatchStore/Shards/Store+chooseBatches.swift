// SPDX-License-Identifier: Apache-2.0

internal import Postgres

extension Store {
    /// Open batches of one project that a claim looks at, in the order of rank and age.
    private static let batchesLookedAt = 128

    /// The tables of a claim that decide which batches it serves, ending in `quotas (id, quota)`: how many ready shards
    /// to take of each, first come first served.
    ///
    /// - `tenants` finds the projects with open batches, one index probe each;
    /// - `open` their first batches that have a ready shard, with the lines of that shard;
    /// - `chosen` the at most `limit` batches that could get anything: within a rank the projects take turns, the one
    ///   with the fewest claimed lines first, and within a project the batches;
    /// - `slots` their first ready shards, not locked: what could be taken;
    /// - `quotas` fills up, shard by shard, the project and the batch that have least, until `limit` or a cap.
    static func choice(limit: Int, excluding excluded: [String]) -> Fragment {
        """
        tenants as (
            (select project_id from batches where status = 'in_progress' and paused_at is null
            order by project_id limit 1)
            union all
            select (
                select b.project_id from batches b
                where b.status = 'in_progress' and b.paused_at is null and b.project_id > t.project_id
                order by b.project_id limit 1)
            from tenants t where t.project_id is not null
        ), held as materialized (
            select s.batch_id, sum(s.line_count - s.done_count - s.moved_count)::int8 as lines
            from shards s where s.state = 'claimed' group by s.batch_id
        ), loads as materialized (
            select h.batch_id, h.lines, b.project_id, b.model from held h join batches b on b.id = h.batch_id
        ), open as materialized (
            select o.* from tenants t cross join lateral (
                select b.id, b.seq, b.project_id, b.model, b.lane, b.priority, b.urgent, first.lines
                from batches b cross join lateral (
                    select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                    where s.batch_id = b.id and s.state = 'ready' and s.attempts < 2
                      and (s.not_before is null or s.not_before <= clock_timestamp())
                    order by s.part desc, s.shard_no limit 1
                ) first
                where b.project_id = t.project_id and b.status = 'in_progress' and b.paused_at is null
                  and b.expires_at > clock_timestamp() and b.id <> all(\(excluded))
                order by b.lane, b.priority desc, b.urgent desc, b.seq limit \(batchesLookedAt)
            ) o where t.project_id is not null
        ), ranked as (
            select o.*, coalesce(l.lines, 0) as batch_load, coalesce(p.lines, 0)::int8 as project_load,
                coalesce(m.lines, 0)::int8 as model_load, j.claimed_lines_max as project_cap,
                c.claimed_lines_max as model_cap
            from open o join projects j on j.id = o.project_id
                left join loads l on l.batch_id = o.id
                left join (select project_id, sum(lines) as lines from loads group by project_id) p
                    on p.project_id = o.project_id
                left join (select model, sum(lines) as lines from loads group by model) m on m.model = o.model
                left join model_caps c on c.model = o.model
        ), chosen as materialized (
            select * from (
                select r.*, project_load - lines + sum(lines) over (
                    partition by project_id order by lane, priority desc, urgent desc, batch_load, seq) as turn
                from ranked r
                where (project_cap is null or project_load < project_cap)
                  and (model_cap is null or model_load < model_cap)
            ) r order by lane, priority desc, urgent desc, turn, seq limit \(limit)
        ), slots as (
            select c.id, c.seq, c.project_id, c.model, c.lane, c.priority, c.urgent, c.project_load, c.model_load,
                c.project_cap, c.model_cap, n.place, n.lines,
                c.batch_load - n.lines + sum(n.lines) over (partition by c.id order by n.place) as batch_before
            from chosen c cross join lateral (
                select i.lines, row_number() over () as place from (
                    select (s.line_count - s.done_count - s.moved_count)::int8 as lines from shards s
                    where s.batch_id = c.id and s.state = 'ready' and s.attempts < 2
                      and (s.not_before is null or s.not_before <= clock_timestamp())
                    order by s.part desc, s.shard_no limit \(limit)
                ) i
            ) n
        ), turns as (
            select s.*, project_load - lines + sum(lines) over (
                partition by project_id order by lane, priority desc, urgent desc, batch_before, seq, place
            ) as project_before
            from slots s
        ), filled as (
            select t.*, model_load - lines + sum(lines) over (
                partition by model order by lane, priority desc, urgent desc, project_before, seq, place
            ) as model_before
            from turns t where project_cap is null or project_before < project_cap
        ), quotas as materialized (
            select id, count(*) as quota from (
                select f.* from filled f where model_cap is null or model_before < model_cap
                order by lane, priority desc, urgent desc, project_before, seq, place limit \(limit)
            ) f group by id, lane, priority, urgent order by lane, priority desc, urgent desc, min(project_before)
        )
        """
    }
}
