// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
package import Logging
package import Postgres
internal import Zstd

extension Store {
    /// Hears of news, and says as long as it is connected that the process `waiter` lives: with an advisory lock of the
    /// connection's session, which PostgreSQL frees the moment the process is gone, and half a minute after its machine
    /// fell silent.
    ///
    /// The lock is shared, so that a connection that takes the place of one that PostgreSQL still believes in gets it.
    package func liveListener(channels: [String], waiter: Int64, logger: Logger) throws -> NotificationListener {
        try NotificationListener(
            configuration: configuration, channels: channels,
            greeting: """
                select set_config('tcp_keepalives_idle', '10', false),
                    set_config('tcp_keepalives_interval', '5', false),
                    set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false),
                    pg_advisory_lock_shared(\(waiter))
                """, logger: logger)
    }

    /// The checkpoints of these names; those that are gone are left out.
    package func readLive(_ segments: [SegmentKey]) async throws -> [LiveSegment] {
        guard !segments.isEmpty else { return [] }
        return try await pool.run { session in
            let decompressor = try ZstdDecompressor()
            return try session.query(
                """
                select s.batch_id, s.shard_no, s.raw_bytes, s.results
                from unnest(\(segments.map(\.shard.batch.rawValue)), \(segments.map(\.shard.number)),
                    \(segments.map(\.shard.part)), \(segments.map(\.epoch)), \(segments.map(\.sequence))
                ) as n (batch_id, shard_no, part, epoch, seq)
                    join segments s using (batch_id, shard_no, part, epoch, seq)
                """
            ).map { try Self.liveSegment($0, decompressor) }
        }
    }

    /// Every checkpoint of these shards.
    package func readLive(shards: [LiveShardKey]) async throws -> [LiveSegment] {
        guard !shards.isEmpty else { return [] }
        return try await pool.run { session in
            let decompressor = try ZstdDecompressor()
            return try session.query(
                """
                select s.batch_id, s.shard_no, s.raw_bytes, s.results
                from unnest(\(shards.map(\.batch.rawValue)), \(shards.map(\.number))) as n (batch_id, shard_no)
                    join segments s using (batch_id, shard_no)
                """
            ).map { try Self.liveSegment($0, decompressor) }
        }
    }

    /// Where the lines of these shards stand; shards that are gone are left out.
    package func scanLive(_ shards: [LiveShardKey]) async throws -> [LiveShardState] {
        guard !shards.isEmpty else { return [] }
        return try await pool.run { session in
            let rows = try session.query(
                """
                select s.batch_id, s.shard_no, s.part, s.line_count, s.done, s.moved, s.state
                from unnest(\(shards.map(\.batch.rawValue)), \(shards.map(\.number))) as n (batch_id, shard_no)
                    join shards s using (batch_id, shard_no)
                order by s.batch_id, s.shard_no, s.part
                """)
            var states: [LiveShardState] = []
            for row in rows { try Self.merge(row, into: &states) }
            return states
        }
    }

    /// A line is dropped when no part owns it, or the part that does takes part in nothing any more.
    private static func merge(_ row: Row, into states: inout [LiveShardState]) throws {
        let key = try row.shardKey()
        let lineCount = Int(try row["line_count", as: Int32.self])
        let done = try row.lineSet("done", of: key, lineCount: lineCount)
        let moved = try row.lineSet("moved", of: key, lineCount: lineCount)
        let state: ShardState = try row.choice("state")
        var missing = state == .draft ? LineSet(lineCount: lineCount).complement : moved
        missing = missing.subtracting(done)
        let shard = LiveShardKey(batch: key.batch, number: key.number)
        guard let last = states.last, last.shard == shard else {
            states.append(LiveShardState(shard: shard, done: done, dropped: missing))
            return
        }
        states[states.count - 1].done.formUnion(done)
        // What this part owns is not dropped, whatever the others say.
        let owned = missing.complement
        states[states.count - 1].dropped = last.dropped.subtracting(owned)
    }

    private static func liveSegment(_ row: Row, _ decompressor: ZstdDecompressor) throws -> LiveSegment {
        let size = Int(try row["raw_bytes", as: Int64.self])
        return LiveSegment(
            shard: LiveShardKey(
                batch: try row.identifier("batch_id"), number: try row["shard_no", as: Int32.self]),
            frame: try row.withBytes("results") { try decompressor.decompress($0, bytesMax: size) })
    }
}
