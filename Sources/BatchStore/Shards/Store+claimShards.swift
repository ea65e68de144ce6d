// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Takes up to `limit` ready shards for a worker, each with a new epoch and a lease.
    ///
    /// Served by `shards_ready_idx`: early shards of every batch come before late shards of any, so that a short batch
    /// overtakes a long one. Rivals skip each other's rows. Drafts, finished shards and dead leases are not in the
    /// index.
    /// - Parameter excluded: batches that the worker cannot serve.
    package func claimShards(
        worker: WorkerID, limit: Int, lease: Duration, excluding excluded: [BatchID] = []
    ) async throws -> [ClaimedShard] {
        try await pool.run { session in
            try claimCPU.measure { try claimShards(worker, limit, lease, excluded, session) }
        }
    }

    private func claimShards(
        _ worker: WorkerID, _ limit: Int, _ lease: Duration, _ excluded: [BatchID], _ session: Session
    ) throws -> [ClaimedShard] {
        let decompressor = try ZstdDecompressor()
        return try session.query(
            """
            with picked as (
                select s.batch_id, s.shard_no
                from shards s join batches b on b.id = s.batch_id
                where s.state = 'ready' and (s.not_before is null or s.not_before <= clock_timestamp())
                  and s.batch_id <> all(\(excluded.map(\.rawValue)))
                  and b.status = 'in_progress' and b.expires_at > clock_timestamp()
                order by s.shard_no, s.batch_id limit \(limit)
                for update of s skip locked
            ), claimed as (
                update shards s set state = 'claimed', epoch = s.epoch + 1, attempts = s.attempts + 1,
                    worker_id = \(worker.rawValue), lease_until = clock_timestamp() + \(lease)
                from picked p where s.batch_id = p.batch_id and s.shard_no = p.shard_no
                returning s.batch_id, s.shard_no, s.epoch, s.line_count, s.done, s.lines
            )
            select c.*, b.endpoint, b.model, b.expires_at,
                extract(epoch from b.expires_at - clock_timestamp())::float8 as seconds_left
            from claimed c join batches b on b.id = c.batch_id
            order by c.shard_no, c.batch_id
            """
        ).map { try Self.claimedShard($0, decompressor) }
    }

    private static func claimedShard(_ row: Row, _ decompressor: ZstdDecompressor) throws -> ClaimedShard {
        let key = ShardKey(batch: try row.identifier("batch_id"), number: try row["shard_no", as: Int32.self])
        let lineCount = Int(try row["line_count", as: Int32.self])
        guard let done = LineSet(lineCount: lineCount, bytes: try row["done", as: [UInt8].self]) else {
            throw RowMismatch(description: "shard \(key) has a bitmap of another length")
        }
        return ClaimedShard(
            lease: Lease(shard: key, epoch: try row["epoch", as: Int32.self]),
            endpoint: try row["endpoint", as: String.self], model: try row["model", as: String?.self] ?? "",
            expiresAt: try row.seconds("expires_at"), secondsLeft: try row["seconds_left", as: Double.self],
            lineCount: lineCount, done: done, pack: try pack(row, decompressor))
    }

    /// The pack, or no bytes when it is damaged: the claimer finds that it is no pack and says so, and the other shards
    /// of the same claim are not lost over it.
    private static func pack(_ row: Row, _ decompressor: ZstdDecompressor) throws -> [UInt8] {
        try row.withBytes("lines") { compressed in
            do {
                return try decompressor.decompress(compressed, bytesMax: packBytesMax)
            } catch is ZstdFault {
                return []
            }
        }
    }
}
