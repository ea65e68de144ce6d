// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Writes new results of several shards in one transaction; returns the leases that were still good.
    ///
    /// For each shard one statement updates the row where the epoch matches and inserts the segment only if it did: a
    /// worker whose lease was lost writes nothing. The row lock that the update takes makes a rescuer wait or skip.
    /// Nor does one that has a result of a line that was moved to another part. Whether the part is finished the row
    /// decides; what was recorded clears the shard of the suspicion that it kills its workers.
    /// Repeating a checkpoint whose commit is unknown is harmless: the segment is there already, and the counts are not
    /// added twice.
    package func record(
        worker: WorkerID, _ checkpoints: [Checkpoint], lease: Duration
    ) async throws -> Set<Lease> {
        guard !checkpoints.isEmpty else { return [] }
        let written = try await pool.transaction { session in
            try recordCPU.measure { try record(worker, checkpoints, lease, session) }
        }
        let batches = Set(checkpoints.filter { $0.isLast && !$0.isLive }.map(\.lease.shard.batch.rawValue))
        if !batches.isEmpty { try await tellExhausted(Array(batches)) }
        return written
    }

    /// Tells the coordinators of batches whose last shard is done: of those only, because they look for duties then.
    ///
    /// A statement of its own, after the commit: of two workers that finish the last two shards at once, the later one
    /// sees both done.
    private func tellExhausted(_ batches: [String]) async throws {
        try await pool.run { session in
            _ = try session.query(
                """
                select pg_notify(\(Signals.batches), named.id) from unnest(\(batches)) as named (id)
                where not exists (
                    select 1 from shards s where s.batch_id = named.id and s.state in ('ready', 'claimed'))
                """)
        }
    }

    private func record(
        _ worker: WorkerID, _ checkpoints: [Checkpoint], _ lease: Duration, _ session: Session
    ) throws -> Set<Lease> {
        let compressor = try ZstdCompressor()
        var written: Set<Lease> = []
        // One order for all workers, so that two transactions never wait for each other in a circle.
        let ordered = checkpoints.sorted { ShardKey.lockOrder($0.lease.shard, $1.lease.shard) }
        let live = ordered.filter(\.isLive)
        if !live.isEmpty { written.formUnion(try Self.recordLive(worker, live, lease, compressor, session)) }
        for checkpoint in ordered where !checkpoint.isLive && !written.contains(checkpoint.lease) {
            if try Self.record(worker, checkpoint, lease, compressor, session) { written.insert(checkpoint.lease) }
        }
        return written
    }

    private static func record(
        _ worker: WorkerID, _ checkpoint: Checkpoint, _ lease: Duration, _ compressor: ZstdCompressor,
        _ session: Session
    ) throws -> Bool {
        let key = checkpoint.lease.shard
        let results = try checkpoint.segment.withUnsafeBytes { try compressor.compress($0) }
        let usage = checkpoint.usage
        let count = Int32(checkpoint.done.count)
        let rows = try session.query(
            """
            with owned as (
                update shards set done = \(checkpoint.done.bytes), done_count = \(count),
                    completed = completed + \(checkpoint.completed), failed = failed + \(checkpoint.failed),
                    input_tokens = input_tokens + \(usage.inputTokens),
                    cached_tokens = cached_tokens + \(usage.cachedTokens),
                    output_tokens = output_tokens + \(usage.outputTokens),
                    reasoning_tokens = reasoning_tokens + \(usage.reasoningTokens),
                    total_tokens = total_tokens + \(usage.totalTokens),
                    state = case when \(count) + moved_count = line_count then 'done' else state end,
                    worker_id = case when \(count) + moved_count = line_count then null else worker_id end,
                    lease_until = case when \(count) + moved_count < line_count
                        then clock_timestamp() + \(lease) end,
                    attempts = 1
                where batch_id = \(key.batch.rawValue) and shard_no = \(key.number) and part = \(key.part)
                  and epoch = \(checkpoint.lease.epoch) and state = 'claimed' and worker_id = \(worker.rawValue)
                  and done_count < \(count)
                  and (moved is null or not line_sets_meet(moved, \(checkpoint.done.bytes)))
                returning batch_id, shard_no, part
            ), stored as (
                insert into segments (batch_id, shard_no, part, epoch, seq, line_count, raw_bytes, results)
                select batch_id, shard_no, part, \(checkpoint.lease.epoch), \(checkpoint.sequence),
                    \(Int32(checkpoint.lineCount)), \(Int64(checkpoint.segment.count)), \(results) from owned
                returning 1
            )
            select count(*) as stored from stored
            """)
        if try rows.onlyRow("stored")["stored", as: Int64.self] == 1 { return true }
        return try isRecorded(checkpoint, session)
    }

    /// Whether an earlier try of the same checkpoint was committed although its answer was lost.
    static func isRecorded(_ checkpoint: Checkpoint, _ session: Session) throws -> Bool {
        try !session.query(
            """
            select 1 from segments
            where batch_id = \(checkpoint.lease.shard.batch.rawValue) and shard_no = \(checkpoint.lease.shard.number)
              and part = \(checkpoint.lease.shard.part) and epoch = \(checkpoint.lease.epoch)
              and seq = \(checkpoint.sequence)
            """
        ).isEmpty
    }
}
