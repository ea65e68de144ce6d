// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

/// What is known of one shard when its batch is finalized.
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

    /// The shards `range`, in order.
    package func shards(_ range: Range<Int32>) throws -> [ShardSummary] {
        try session.query(
            """
            select shard_no, line_count, done from shards
            where batch_id = \(batch.rawValue) and shard_no >= \(range.lowerBound) and shard_no < \(range.upperBound)
            order by shard_no
            """
        ).map { row in
            let lineCount = Int(try row["line_count", as: Int32.self])
            guard let done = LineSet(lineCount: lineCount, bytes: try row["done", as: [UInt8].self]) else {
                throw RowMismatch(description: "a shard of \(batch) has a bitmap of another length")
            }
            return ShardSummary(number: try row["shard_no", as: Int32.self], lineCount: lineCount, done: done)
        }
    }

    /// Every segment of one shard in the order written, one at a time: the frame of ``SegmentPack``.
    package func forEachSegment(ofShard number: Int32, _ body: ([UInt8]) throws -> Void) throws {
        try session.forEachRow(
            """
            select raw_bytes, results from segments
            where batch_id = \(batch.rawValue) and shard_no = \(number) order by epoch, seq
            """
        ) { row in
            let size = Int(try row["raw_bytes", as: Int64.self])
            try body(try row.withBytes("results") { try decompressor.decompress($0, bytesMax: size) })
        }
    }

    /// The lines of one shard: the frame of ``LinePack``.
    package func lines(ofShard number: Int32) throws -> [UInt8] {
        let rows = try session.query(
            "select lines from shards where batch_id = \(batch.rawValue) and shard_no = \(number)")
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
