// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Row {
    /// The three columns that name a part of a shard.
    func shardKey() throws -> ShardKey {
        ShardKey(
            batch: try identifier("batch_id"), number: try self["shard_no", as: Int32.self],
            part: try self["part", as: Int32.self])
    }

    /// A bitmap column; null is the empty set.
    func lineSet(_ column: String, of shard: ShardKey, lineCount: Int) throws -> LineSet {
        guard let bytes = try self[column, as: [UInt8]?.self] else { return LineSet(lineCount: lineCount) }
        guard let set = LineSet(lineCount: lineCount, bytes: bytes) else {
            throw RowMismatch(description: "the bitmap '\(column)' of shard \(shard) has another length")
        }
        return set
    }
}

extension ShardKey {
    /// The order in which everybody locks several shards, so that nobody waits for another in a circle: that of
    /// `batch_id collate "C", shard_no, part`.
    static func lockOrder(_ left: ShardKey, _ right: ShardKey) -> Bool {
        (left.batch.rawValue, left.number, left.part) < (right.batch.rawValue, right.number, right.part)
    }
}
