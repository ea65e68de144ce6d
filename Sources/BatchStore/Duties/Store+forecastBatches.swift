// SPDX-License-Identifier: Apache-2.0

internal import Postgres

extension Store {
    /// Lines of a batch for which it is left alone for a second after a look: 10 million lines are looked at every 5 s.
    private static let linesPerSecondOfRest: Int64 = 2_000_000

    /// Looks at what every running batch has recorded since the last look, and marks those as urgent that would miss
    /// their window at that rate; returns how many marks changed.
    ///
    /// The rate is smoothed over about 20 s. A batch that would need more than 0.9 of the time it has left becomes
    /// urgent, one that needs less than 0.7 no longer is; what lies between stays, so that marks do not flicker. A
    /// batch of which nothing is recorded yet is judged by an equal share of what all batches together record; nothing
    /// is judged while nothing at all is recorded. Only rows that say something new are written. Counting reads every
    /// shard of a batch, so the largest batches, which take long anyway, are looked at less often.
    /// - Parameter every: how often a coordinator looks; batches that another one has just looked at are left out.
    package func forecastBatches(every: Duration) async throws -> Int {
        try await pool.run { session in
            try session.query(
                """
                with seen as materialized (
                    select b.id, b.urgent, b.forecast_lines, b.forecast_at, b.forecast_rate,
                        b.total - c.lines as rest, c.lines, now.t,
                        extract(epoch from b.expires_at - now.t)::float8 as time_left,
                        extract(epoch from now.t - b.forecast_at)::float8 as seconds
                    from (select clock_timestamp() as t) now
                    cross join batches b cross join lateral (
                        select coalesce(sum(s.done_count), 0)::int8 as lines from shards s where s.batch_id = b.id
                    ) c
                    where b.status = 'in_progress' and b.paused_at is null and b.lane <> 0 and b.expires_at > now.t
                      and (b.forecast_at is null or b.forecast_at < now.t - greatest(
                          \(every) * 0.8, interval '1 second' * (b.total / \(Self.linesPerSecondOfRest))))
                ), rated as materialized (
                    select s.*, case
                        when seconds is null then null
                        when forecast_rate is null then (lines - forecast_lines) / seconds
                        else forecast_rate * exp(-seconds / 20)
                            + (lines - forecast_lines) / seconds * (1 - exp(-seconds / 20))
                        end as rate
                    from seen s
                ), judged as (
                    select r.*, case
                        when coalesce(nullif(rate, 0), share) is null or rest = 0 then urgent
                        when rest > time_left * 0.9 * coalesce(nullif(rate, 0), share) then true
                        when rest < time_left * 0.7 * coalesce(nullif(rate, 0), share) then false
                        else urgent end as is_urgent
                    from rated r cross join (select nullif(sum(rate) / count(*), 0) as share from rated) a
                )
                update batches b set urgent = j.is_urgent, forecast_lines = j.lines, forecast_at = j.t,
                    forecast_rate = case when j.rate < 0.001 then 0 else j.rate end
                from judged j
                where b.id = j.id and b.status = 'in_progress'
                  and b.forecast_at is not distinct from j.forecast_at
                  and (j.forecast_at is null or j.lines <> j.forecast_lines or j.is_urgent <> j.urgent
                    or coalesce(j.forecast_rate, -1) <> case when j.rate < 0.001 then 0 else j.rate end)
                returning (j.is_urgent <> j.urgent) as is_new
                """
            ).count { try $0["is_new", as: Bool.self] }
        }
    }
}
