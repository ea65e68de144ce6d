// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

/// What is known of one shard, all its parts taken together, when its batch is finalized.
package struct ShardSummary: Sendable {
    /// 0-based place in the file.
    package var number: Int32
    /// Lines of the shard.
    package var lineCount: Int
    /// Lines with a recorded result.
    package var done: LineSet
}

/// Reads the shards and segments of a batch that no worker can write to any more. Valid only inside the closure.
package final class ResultReader {
    private let session: Session
    private let batch: BatchID
    private let decompressor: ZstdDecompressor

    fileprivate init(session: Session, batch: BatchID) throws {
        self.session = session
        self.batch = batch
        self.decompressor = try ZstdDecompressor()
    }

    /// The shards `range`, in order; what the parts of one have done is one set.
    package func shards(_ range: Range<Int32>) throws -> [ShardSummary] {
        let rows = try session.query(
            """
            select batch_id, shard_no, part, line_count, done from shards
            where batch_id = \(batch.rawValue) and shard_no >= \(range.lowerBound) and shard_no < \(range.upperBound)
            order by shard_no, part
            """)
        var summaries: [ShardSummary] = []
        for row in rows {
            let key = try row.shardKey()
            let lineCount = Int(try row["line_count", as: Int32.self])
            let done = try row.lineSet("done", of: key, lineCount: lineCount)
            guard let last = summaries.last, last.number == key.number else {
                summaries.append(ShardSummary(number: key.number, lineCount: lineCount, done: done))
                continue
            }
            guard last.lineCount == lineCount, last.done.isDisjoint(with: done) else {
                throw RowMismatch(description: "shard \(key) has results of lines that belong to another part")
            }
            summaries[summaries.count - 1].done.formUnion(done)
        }
        return summaries
    }

    /// Every segment of one shard, part by part in the order written, one at a time: the frame of ``SegmentPack``.
    package func forEachSegment(ofShard number: Int32, _ body: ([UInt8]) throws -> Void) throws {
        try session.forEachRow(
            """
            select raw_bytes, results from segments
            where batch_id = \(batch.rawValue) and shard_no = \(number) order by part, epoch, seq
            """
        ) { row in
            let size = Int(try row["raw_bytes", as: Int64.self])
            try body(try row.withBytes("results") { try decompressor.decompress($0, bytesMax: size) })
        }
    }

    /// The lines of one shard: the frame of ``LinePack``.
    package func lines(ofShard number: Int32) throws -> [UInt8] {
        let rows = try session.query(
            "select lines from shards where batch_id = \(batch.rawValue) and shard_no = \(number) and part = 0")
        return try rows.onlyRow("shards").withBytes("lines") {
            try decompressor.decompress($0, bytesMax: Store.packBytesMax)
        }
    }
}

extension Store {
    /// Largest pack after decompression, a guard against damaged rows: a shard's raw bytes or one longest line.
    static let packBytesMax = 1 << 30

    /// Runs `body` on a database connection's own thread, where blocking file writes are welcome too.
    package func readResults<T: Sendable>(
        of batch: BatchID, _ body: @escaping @Sendable (ResultReader) throws -> T
    ) async throws -> T {
        try await pool.run { session in try body(try ResultReader(session: session, batch: batch)) }
    }
}
