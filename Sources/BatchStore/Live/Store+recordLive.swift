// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Writes results that somebody waits for, of many shards in one statement, and tells the coordinators; returns the
    /// leases that were still good. The same rules as for one shard, see `record`.
    ///
    /// - Parameter checkpoints: in the order in which everybody locks shards.
    static func recordLive(
        _ worker: WorkerID, _ checkpoints: [Checkpoint], _ lease: Duration, _ compressor: ZstdCompressor,
        _ session: Session
    ) throws -> Set<Lease> {
        let results = try checkpoints.map { try $0.segment.withUnsafeBytes { try compressor.compress($0) } }
        let rows = try session.query(
            """
            with named as (\(named(checkpoints, results))), held as materialized (
                select s.batch_id, s.shard_no, s.part, n.place
                from named n join shards s on s.batch_id = n.batch_id and s.shard_no = n.shard_no and s.part = n.part
                where s.epoch = n.epoch and s.state = 'claimed' and s.worker_id = \(worker.rawValue)
                  and s.done_count < n.done_count
                  and (s.moved is null or not line_sets_meet(s.moved, n.done))
                order by n.place for update of s
            ), owned as (
                update shards s set done = n.done, done_count = n.done_count,
                    completed = s.completed + n.completed, failed = s.failed + n.failed,
                    input_tokens = s.input_tokens + n.input_tokens, cached_tokens = s.cached_tokens + n.cached_tokens,
                    output_tokens = s.output_tokens + n.output_tokens,
                    reasoning_tokens = s.reasoning_tokens + n.reasoning_tokens,
                    total_tokens = s.total_tokens + n.total_tokens,
                    state = case when n.done_count + s.moved_count = s.line_count then 'done' else s.state end,
                    worker_id = case when n.done_count + s.moved_count < s.line_count then s.worker_id end,
                    lease_until = case when n.done_count + s.moved_count < s.line_count
                        then clock_timestamp() + \(lease) end,
                    attempts = 1
                from held h join named n on n.place = h.place
                where s.batch_id = h.batch_id and s.shard_no = h.shard_no and s.part = h.part
                returning s.batch_id, s.shard_no, s.part, n.epoch, n.seq, n.line_count, n.raw_bytes, n.results, n.place
            ), stored as (
                insert into segments (batch_id, shard_no, part, epoch, seq, line_count, raw_bytes, results)
                select batch_id, shard_no, part, epoch, seq, line_count, raw_bytes, results from owned
            )
            select place from owned
            """)
        let places = try Set(rows.map { Int(try $0["place", as: Int64.self]) - 1 })
        let stored = checkpoints.indices.filter(places.contains).map { checkpoints[$0] }
        let news = LiveNews(
            stored.map {
                SegmentKey(shard: $0.lease.shard, epoch: $0.lease.epoch, sequence: $0.sequence)
            })
        for payload in news.payloads { try session.query("select pg_notify(\(Signals.live), \(payload))") }
        var written = Set(stored.map(\.lease))
        for (place, checkpoint) in checkpoints.enumerated() where !places.contains(place) {
            if try isRecorded(checkpoint, session) { written.insert(checkpoint.lease) }
        }
        return written
    }

    /// The checkpoints as rows, numbered from 1 in `place`.
    private static func named(_ checkpoints: [Checkpoint], _ results: [[UInt8]]) -> Fragment {
        """
        select * from unnest(
            \(checkpoints.map(\.lease.shard.batch.rawValue)), \(checkpoints.map(\.lease.shard.number)),
            \(checkpoints.map(\.lease.shard.part)), \(checkpoints.map(\.lease.epoch)),
            \(checkpoints.map(\.sequence)), \(checkpoints.map(\.done.bytes)),
            \(checkpoints.map { Int32($0.done.count) }), \(checkpoints.map(\.completed)),
            \(checkpoints.map(\.failed)), \(checkpoints.map(\.usage.inputTokens)),
            \(checkpoints.map(\.usage.cachedTokens)), \(checkpoints.map(\.usage.outputTokens)),
            \(checkpoints.map(\.usage.reasoningTokens)), \(checkpoints.map(\.usage.totalTokens)),
            \(checkpoints.map { Int32($0.lineCount) }), \(checkpoints.map { Int64($0.segment.count) }), \(results)
        ) with ordinality as n (batch_id, shard_no, part, epoch, seq, done, done_count, completed, failed,
            input_tokens, cached_tokens, output_tokens, reasoning_tokens, total_tokens, line_count, raw_bytes,
            results, place)
        """
    }
}
