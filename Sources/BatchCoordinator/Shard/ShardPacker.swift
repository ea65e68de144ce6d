// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore

/// The Shard room: packs accepted lines into shards, cut by count and bytes; a longer line is a shard of its own.
struct ShardPacker {
    private let linesMax: Int
    private let bytesMax: Int
    private var builder = LinePackBuilder()
    private var nextNumber: Int32 = 0
    private var finished: [DraftShard] = []
    /// Raw bytes of the shards that wait in ``takeFinished()``.
    private(set) var finishedBytes = 0

    init(limits: Limits) {
        linesMax = limits.shardLinesMax
        bytesMax = limits.shardBytesMax
    }

    /// Adds the next line of the file.
    mutating func add(_ line: AcceptedLine, _ bytes: UnsafeRawBufferPointer) {
        let size = line.customID.count + line.body.count
        if builder.lineCount > 0, builder.lineCount >= linesMax || builder.byteCount + size > bytesMax { cut() }
        builder.append(
            number: line.number, endpoint: line.endpoint,
            customID: UnsafeRawBufferPointer(rebasing: bytes[line.customID]),
            body: UnsafeRawBufferPointer(rebasing: bytes[line.body]))
    }

    /// Closes the last shard.
    mutating func finish() {
        if builder.lineCount > 0 { cut() }
    }

    /// The shards packed since the last call, in order.
    mutating func takeFinished() -> [DraftShard] {
        defer {
            finished = []
            finishedBytes = 0
        }
        return finished
    }

    private mutating func cut() {
        let lineCount = builder.lineCount
        let pack = builder.finish()
        finished.append(DraftShard(number: nextNumber, lineCount: lineCount, pack: pack))
        finishedBytes += pack.count
        nextNumber += 1
        builder = LinePackBuilder()
    }
}
