// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Splits or abandons a lost shard that is suspected of killing its workers; nil when somebody else was faster, or
    /// its worker renewed the lease.
    static func settle(_ lease: Lease, _ session: Session) throws -> RescuedShard? {
        let rows = try session.query(
            """
            select s.line_count, s.done, s.moved, s.attempts, s.worker_id,
                extract(epoch from interval '1 second' * \(unescaped: pauseSeconds))::float8 as pause
            from shards s
            where s.batch_id = \(lease.shard.batch.rawValue) and s.shard_no = \(lease.shard.number)
              and s.part = \(lease.shard.part) and s.epoch = \(lease.epoch) and s.state = 'claimed'
              and s.lease_until < clock_timestamp()
            for update skip locked
            """)
        guard let row = rows.first else { return nil }
        let lineCount = Int(try row["line_count", as: Int32.self])
        let done = try row.lineSet("done", of: lease.shard, lineCount: lineCount)
        let moved = try row.lineSet("moved", of: lease.shard, lineCount: lineCount)
        var settled = done
        settled.formUnion(moved)
        let unfinished = settled.complement.lines
        let part = PartRow(
            key: lease.shard, lineCount: lineCount, doneCount: done.count, attempts: try row["attempts", as: Int32.self]
        )
        var rescued = RescuedShard(shard: lease.shard, worker: try row.identifier("worker_id"), fate: .ready)
        guard let lines = try packedLines(of: lease.shard, session), lines.count == lineCount else {
            // Nobody can read the lines, so no worker died of one: halves would tell nothing.
            try halve(part, lease.epoch, moved: moved, [], damagedPause, session)
            return rescued
        }
        if unfinished.count > 1 {
            let pause = Duration.seconds(try row["pause", as: Double.self])
            try halve(part, lease.epoch, moved: moved, unfinished, pause, session)
            rescued.fate = .split
        } else if let line = unfinished.first {
            let customID = Array(lines[line].customID)
            try abandon(part, lease.epoch, line, customID, done: done, by: rescued.worker, session)
            rescued.fate = .abandoned
        }
        return rescued
    }

    /// How long a shard whose pack is damaged is left alone.
    private static let damagedPause = Duration.seconds(30)

    /// Makes the part ready again without the second half of its unfinished lines, which become a new part.
    private static func halve(
        _ part: PartRow, _ epoch: Int32, moved before: LineSet, _ unfinished: [Int], _ pause: Duration,
        _ session: Session
    ) throws {
        var half = LineSet(lineCount: part.lineCount)
        for line in unfinished.suffix(unfinished.count / 2) { half.insert(line) }
        var moved = before
        moved.formUnion(half)
        try session.execute(
            """
            update shards set state = 'ready', epoch = epoch + 1, worker_id = null, lease_until = null,
                not_before = clock_timestamp() + \(pause), moved = \(moved.count == 0 ? nil : moved.bytes),
                moved_count = \(Int32(moved.count))
            where batch_id = \(part.key.batch.rawValue) and shard_no = \(part.key.number) and part = \(part.key.part)
              and epoch = \(epoch)
            """)
        if half.count > 0 { try insertPart(part, owning: half, pause: pause, session) }
        try session.query("select pg_notify(\(Signals.shards), \(part.key.batch.rawValue))")
    }

    /// Records the last line of a part as failed: nobody will call it again.
    private static func abandon(
        _ part: PartRow, _ epoch: Int32, _ line: Int, _ customID: [UInt8], done before: LineSet, by worker: WorkerID,
        _ session: Session
    ) throws {
        var done = before
        done.insert(line)
        var segment = SegmentPackBuilder()
        segment.append(
            Outcome(
                ordinal: line,
                kind: .noResponse(
                    code: "worker_crashed",
                    message: "Each of the last \(part.attempts) workers that took this request ended without "
                        + "answering, so it was given up. Find out from the workers' logs why they ended, then send "
                        + "the request again in a new batch."),
                customID: customID[...], attempts: Int(part.attempts), lastError: "the worker ended without answering",
                workerID: worker.rawValue))
        let frame = segment.finish()
        let results = try frame.withUnsafeBytes { try ZstdCompressor().compress($0) }
        let key = part.key
        try session.execute(
            """
            with owned as (
                update shards set state = 'done', epoch = epoch + 1, worker_id = null, lease_until = null,
                    done = \(done.bytes), done_count = done_count + 1, failed = failed + 1
                where batch_id = \(key.batch.rawValue) and shard_no = \(key.number) and part = \(key.part)
                  and epoch = \(epoch)
                returning batch_id, shard_no, part, epoch
            )
            insert into segments (batch_id, shard_no, part, epoch, seq, line_count, raw_bytes, results)
            select batch_id, shard_no, part, epoch, 0, 1, \(Int64(frame.count)), \(results) from owned
            """)
        let news = LiveNews([SegmentKey(shard: key, epoch: epoch + 1, sequence: 0)])
        for payload in news.payloads {
            try session.query(
                """
                select pg_notify(\(Signals.live), \(payload)) from batches
                where id = \(key.batch.rawValue) and lane = 0
                """)
        }
        try session.query("select pg_notify(\(Signals.batches), \(key.batch.rawValue))")
    }

    /// The lines of a shard; nil when the pack is damaged.
    private static func packedLines(of shard: ShardKey, _ session: Session) throws -> [PackedLine]? {
        let rows = try session.query(
            """
            select lines from shards
            where batch_id = \(shard.batch.rawValue) and shard_no = \(shard.number) and part = 0
            """)
        return try rows.onlyRow("shards").withBytes("lines") { compressed in
            do {
                return try LinePack(try ZstdDecompressor().decompress(compressed, bytesMax: packBytesMax)).lines
            } catch is ZstdFault {
                return nil
            } catch is PackFault {
                return nil
            }
        }
    }
}
