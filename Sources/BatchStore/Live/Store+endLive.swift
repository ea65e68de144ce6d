// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Live batches ended by one statement.
    private static let endLimit = 100
    /// Rows deleted by one statement, so that none runs long.
    private static let liveSweepLimit = 500

    /// Ends sealed live batches whose lines all have outcomes or were dropped, and those whose time is over; returns
    /// how many. Their counts are those of their shards; there are no files and no events.
    package func completeLive() async throws -> Int {
        try await pool.transaction { session in
            let ended = try session.query(
                """
                select b.id, b.expires_at <= clock_timestamp() as is_over from live_batches l
                    join batches b on b.id = l.batch_id
                where b.status = 'in_progress' and (b.expires_at <= clock_timestamp() or l.sealed_at is not null
                    and not exists (
                        select 1 from shards s where s.batch_id = b.id and s.state in ('ready', 'claimed')))
                order by b.seq limit \(Self.endLimit) for update of l, b skip locked
                """
            ).map { row -> BatchID in try row.identifier("id") }
            guard !ended.isEmpty else { return 0 }
            let names = ended.map(\.rawValue)
            // Only of batches whose time is over is anything left; a worker that still holds a shard is fenced.
            try session.execute(
                """
                with stopping as (
                    select batch_id, shard_no, part from shards
                    where batch_id = any(\(names)) and state in ('ready', 'claimed')
                    order by batch_id collate "C", shard_no, part for update
                )
                update shards s set state = 'draft', epoch = s.epoch + 1, worker_id = null, lease_until = null
                from stopping
                where s.batch_id = stopping.batch_id and s.shard_no = stopping.shard_no and s.part = stopping.part
                """)
            try session.execute(
                """
                update live_batches set sealed_at = coalesce(sealed_at, clock_timestamp())
                where batch_id = any(\(names))
                """)
            return try session.execute(
                """
                update batches b set status = 'completed', completed_at = clock_timestamp(),
                    total = c.completed + c.failed, completed = c.completed, failed = c.failed,
                    input_tokens = c.input_tokens, cached_tokens = c.cached_tokens, output_tokens = c.output_tokens,
                    reasoning_tokens = c.reasoning_tokens, total_tokens = c.total_tokens
                from unnest(\(names)) as n (id) cross join lateral (
                    select coalesce(sum(completed), 0)::int8 as completed, coalesce(sum(failed), 0)::int8 as failed,
                        coalesce(sum(input_tokens), 0)::int8 as input_tokens,
                        coalesce(sum(cached_tokens), 0)::int8 as cached_tokens,
                        coalesce(sum(output_tokens), 0)::int8 as output_tokens,
                        coalesce(sum(reasoning_tokens), 0)::int8 as reasoning_tokens,
                        coalesce(sum(total_tokens), 0)::int8 as total_tokens
                    from shards where batch_id = n.id
                ) c
                where b.id = n.id and b.status = 'in_progress'
                """)
        }
    }

    /// Deletes a bounded number of rows of one live batch whose answers were kept long enough, the batch itself last;
    /// false when there is none.
    ///
    /// A batch whose answer is just being given to a request that was sent again waits for it, but not for long.
    package func deleteLive(kept: Duration) async throws -> Bool {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                select l.batch_id, b.completed_at < clock_timestamp() - \(kept * 2) as is_old
                from live_batches l join batches b on b.id = l.batch_id
                where b.status = 'completed' and b.completed_at < clock_timestamp() - \(kept) and (
                    b.completed_at < clock_timestamp() - \(kept * 2) or not exists (
                        select 1 from live_requests r where r.batch_id = l.batch_id and r.waiter is not null))
                order by b.seq limit 1 for update of l skip locked
                """)
            guard let row = rows.first else { return false }
            let batch = try row["batch_id", as: String.self]
            let isOld = try row["is_old", as: Bool.self]
            let requests = try session.execute(
                """
                delete from live_requests where ctid = any (array(
                    select ctid from live_requests where batch_id = \(batch) and (\(isOld) or waiter is null)
                    limit \(Self.liveSweepLimit) for update skip locked))
                """)
            guard requests < Self.liveSweepLimit else { return true }
            // Somebody has got a line of it in this moment.
            guard try session.query("select 1 from live_requests where batch_id = \(batch) limit 1").isEmpty else {
                return false
            }
            for table: StaticString in ["segments", "shards"] {
                let deleted = try session.execute(
                    """
                    delete from \(unescaped: table) where ctid = any (array(
                        select ctid from \(unescaped: table) where batch_id = \(batch)
                        limit \(Self.liveSweepLimit)))
                    """)
                guard deleted < Self.liveSweepLimit else { return true }
            }
            try session.execute("delete from live_batches where batch_id = \(batch)")
            try session.execute("delete from batches where id = \(batch) and lane = 0")
            return true
        }
    }
}
