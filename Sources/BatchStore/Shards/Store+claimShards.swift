// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Takes up to `limit` ready shards for a worker, each with a new epoch and a lease.
    ///
    /// The batches of the first lane come first, then those of the highest priority, then those that would miss their
    /// window; among equals the project with the fewest claimed lines, and of a project the batch with the fewest.
    /// One claim spreads over several batches where they are equal. Rivals skip each other's rows. What it costs grows
    /// with the claimed shards and the open batches, not with the lines that wait nor with what has ended. The function
    /// `claim_quotas` of the schema decides how many shards of which batch are taken.
    /// - Parameters:
    ///   - excluded: batches that the worker cannot serve.
    ///   - upTo: the last lane that is served.
    package func claimShards(
        worker: WorkerID, limit: Int, lease: Duration, excluding excluded: [BatchID] = [],
        upTo lane: Lane = .background
    ) async throws -> [ClaimedShard] {
        guard limit > 0 else { return [] }
        return try await pool.run { session in
            try claimCPU.measure { try claimShards(worker, limit, lease, excluded, lane, session) }
        }
    }

    private func claimShards(
        _ worker: WorkerID, _ limit: Int, _ lease: Duration, _ excluded: [BatchID], _ lane: Lane, _ session: Session
    ) throws -> [ClaimedShard] {
        let decompressor = try ZstdDecompressor()
        return try session.query(Self.claim(worker, limit, lease, excluded, upTo: lane)).map {
            try Self.claimedShard($0, decompressor)
        }
    }

    /// The one statement of a claim.
    ///
    /// `ready` locks what it takes, so it may meet rows that a rival took a moment ago: their state is checked again
    /// on the newest version, and the scan goes on to the next. A suspect is claimed only by a worker that holds none,
    /// so that the death of a worker accuses one shard and not all of them.
    static func claim(
        _ worker: WorkerID, _ limit: Int, _ lease: Duration, _ excluded: [BatchID], upTo lane: Lane = .background
    ) -> Query {
        """
        with suspect as materialized (
            select s.batch_id, s.shard_no, s.part
            from shards s join batches b on b.id = s.batch_id
            where s.state = 'ready' and s.attempts >= 2
              and (s.not_before is null or s.not_before <= clock_timestamp())
              and b.status = 'in_progress' and b.paused_at is null and b.expires_at > clock_timestamp()
              and b.lane <= \(lane.rawValue) and b.id <> all(\(excluded.map(\.rawValue)))
              and not exists (
                  select 1 from shards h
                  where h.state = 'claimed' and h.worker_id = \(worker.rawValue) and h.attempts > 2)
            order by s.not_before limit 1
            for update of s skip locked
        ), ready as materialized (
            select r.* from claim_quotas(
                \(limit), \(excluded.map(\.rawValue)), \(lane.rawValue)) q cross join lateral (
                select s.batch_id, s.shard_no, s.part from shards s
                where s.batch_id = q.batch and s.state = 'ready' and s.attempts < 2
                  and (s.not_before is null or s.not_before <= clock_timestamp())
                order by s.part desc, s.shard_no limit q.quota
                for update skip locked
            ) r
        ), picked as materialized (
            select * from (select * from suspect union all select * from ready) p limit \(limit)
        ), claimed as (
            update shards s set state = 'claimed', epoch = s.epoch + 1, attempts = s.attempts + 1,
                worker_id = \(worker.rawValue), lease_until = clock_timestamp() + \(lease)
            from picked p where s.batch_id = p.batch_id and s.shard_no = p.shard_no and s.part = p.part
            returning s.batch_id, s.shard_no, s.part, s.epoch, s.line_count, s.done, s.moved, s.lines
        )
        select c.batch_id, c.shard_no, c.part, c.epoch, c.line_count, c.done, c.moved,
            coalesce(c.lines, (
                select f.lines from shards f
                where f.batch_id = c.batch_id and f.shard_no = c.shard_no and f.part = 0)) as lines,
            b.project_id, b.lane, b.priority, b.urgent, b.endpoint, b.model, b.expires_at,
            extract(epoch from b.expires_at - clock_timestamp())::float8 as seconds_left
        from claimed c join batches b on b.id = c.batch_id
        order by b.lane, b.priority desc, b.urgent desc, c.shard_no, c.part, b.seq
        """
    }

    private static func claimedShard(_ row: Row, _ decompressor: ZstdDecompressor) throws -> ClaimedShard {
        let key = try row.shardKey()
        let lineCount = Int(try row["line_count", as: Int32.self])
        guard let lane = Lane(rawValue: try row["lane", as: Int16.self]) else {
            throw RowMismatch(description: "batch \(key.batch) is in a lane that this program does not know")
        }
        return ClaimedShard(
            lease: Lease(shard: key, epoch: try row["epoch", as: Int32.self]),
            project: try row.identifier("project_id"), lane: lane, priority: try row["priority", as: Int16.self],
            isUrgent: try row["urgent", as: Bool.self],
            endpoint: try row["endpoint", as: String.self], model: try row["model", as: String?.self] ?? "",
            expiresAt: try row.seconds("expires_at"), secondsLeft: try row["seconds_left", as: Double.self],
            lineCount: lineCount, done: try row.lineSet("done", of: key, lineCount: lineCount),
            moved: try row.lineSet("moved", of: key, lineCount: lineCount), pack: try pack(row, decompressor))
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
