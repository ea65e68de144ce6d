// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The advisory lock of the one admission at a time.
    private static let admissionLock: Int64 = 0x7368_6172_6461
    /// Jobs admitted by one transaction.
    private static let admitLimit = 500
    /// What a job is that waits for a place.
    private static let waits: StaticString = "status = 'validating' and queue is not null and admitted_at is null"

    /// Gives free places to the oldest jobs of every queue; returns which got one.
    ///
    /// A queue is what Ark jobs of one project and ProjectName share. A job has its place from here until it has ended,
    /// so that it is fetched, validated and run; what has none is left alone by all of these. One admission at a time,
    /// over all coordinators, counts what it then fills up: there is never one too many. It costs a few index probes per
    /// queue in which somebody waits, however many wait there; and one probe when nobody does.
    /// - Parameter runningMax: places of a queue; 0 for as many as are wanted.
    package func admitJobs(runningMax: Int) async throws -> [BatchID] {
        let isNeeded = try await pool.run { session in
            try !session.query("select 1 from batches where \(unescaped: Self.waits) limit 1").isEmpty
        }
        guard isNeeded else { return [] }
        return try await pool.transaction { session in
            // The statement behind it sees what the admission before this one has committed.
            try session.query("select pg_advisory_xact_lock(\(Self.admissionLock))")
            let admitted = try session.query(Self.admission(runningMax)).map { row -> BatchID in
                try row.identifier("id")
            }
            for id in admitted { try session.query("select pg_notify(\(Signals.batches), \(id.rawValue))") }
            return admitted
        }
    }

    /// Visits the queues in which somebody waits one by one. Of a row that is just being changed (cancelled, for
    /// example) nothing is expected: the next in line gets the place.
    static func admission(_ runningMax: Int) -> Query {
        """
        with recursive queues as (
            (select project_id, queue from batches where \(unescaped: waits) order by project_id, queue limit 1)
            union all
            select n.project_id, n.queue from queues q cross join lateral (
                select b.project_id, b.queue from batches b
                where \(unescaped: waits) and (b.project_id, b.queue) > (q.project_id, q.queue)
                order by b.project_id, b.queue limit 1) n
        ), free as materialized (
            select q.project_id, q.queue, case when \(runningMax) = 0 then \(admitLimit) else greatest(
                \(runningMax) - (
                    select count(*) from batches r
                    where r.project_id = q.project_id and r.queue = q.queue and r.admitted_at is not null
                      and r.status in ('validating', 'in_progress', 'finalizing', 'cancelling')), 0) end as places
            from queues q
        ), chosen as materialized (
            select c.id from free f cross join lateral (
                select id from batches
                where \(unescaped: waits) and project_id = f.project_id and queue = f.queue
                order by seq limit f.places for update skip locked) c
            limit \(admitLimit)
        )
        update batches b set admitted_at = clock_timestamp() from chosen c where b.id = c.id returning b.id
        """
    }

    /// Opens the shards of one resumed job that has got its place: only what has no result is claimed. Returns the job;
    /// nil when there is none to open.
    package func reopenJob() async throws -> BatchID? {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                update batches set status = 'in_progress', in_progress_at = clock_timestamp()
                where id = (
                    select id from batches
                    where status = 'validating' and admitted_at is not null and in_progress_at is not null
                    order by seq limit 1 for update skip locked)
                returning id
                """)
            guard let row = rows.first else { return nil }
            let batch: BatchID = try row.identifier("id")
            // Losses before the stop say nothing about the lines.
            try session.execute(
                """
                update shards set state = 'ready', attempts = 0, not_before = null
                where batch_id = \(batch.rawValue) and state = 'draft'
                """)
            // The closer looks as well: perhaps every line had its result already.
            try session.query("select pg_notify(\(Signals.shards), \(batch.rawValue))")
            try session.query("select pg_notify(\(Signals.batches), \(batch.rawValue))")
            return batch
        }
    }
}
