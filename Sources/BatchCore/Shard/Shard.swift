// SPDX-License-Identifier: Apache-2.0

/// Where a shard stands, equal to the column.
package enum ShardState: String, CaseIterable, Hashable, Sendable {
    /// Invisible to workers: its batch is still being validated, or has stopped. Opened by the Shard room; read by the
    /// Finalize room.
    case draft
    /// Free to be claimed. Moved on by a worker's Claim room.
    case ready
    /// A worker holds it until its lease runs out. Moved on by the worker's Record room, or back by the rescuer.
    case claimed
    /// Every line has a recorded result. Final.
    case done
}

/// Names a part of a shard: its batch, its place in the file, and which part.
package struct ShardKey: Hashable, Sendable, CustomStringConvertible {
    /// The batch it belongs to.
    package var batch: BatchID
    /// 0-based; shards of a batch hold consecutive runs of lines.
    package var number: Int32
    /// 0 for the shard as it was made; each split makes a part with the next number. Every line of a shard belongs to
    /// exactly one of its parts.
    package var part: Int32

    /// Names a part of a shard.
    package init(batch: BatchID, number: Int32, part: Int32 = 0) {
        self.batch = batch
        self.number = number
        self.part = part
    }

    /// `batch_…/7`, and `batch_…/7.2` for a part that a split made.
    package var description: String { part == 0 ? "\(batch)/\(number)" : "\(batch)/\(number).\(part)" }
}

/// The right to write results of a shard: its key and the epoch of the claim. Every write of the holder carries it.
package struct Lease: Hashable, Sendable {
    /// The shard.
    package var shard: ShardKey
    /// Raised by one with each claim; a smaller epoch is a lost lease.
    package var epoch: Int32

    /// The right to write results of a shard.
    package init(shard: ShardKey, epoch: Int32) {
        self.shard = shard
        self.epoch = epoch
    }
}

/// A shard, or a part of one, in a worker's hands.
package struct ClaimedShard: Sendable {
    /// The right to write its results.
    package var lease: Lease
    /// The tenant it belongs to.
    package var project: ProjectID
    /// The lane of its batch.
    package var lane: Lane
    /// The priority of its batch, -100…100; larger goes first.
    package var priority: Int16
    /// Whether its batch would miss its window at the rate measured.
    package var isUrgent: Bool
    /// The path of every line, such as `/v1/embeddings`.
    package var endpoint: String
    /// The one model of the batch.
    package var model: String
    /// Unix seconds by the database's clock after which no call may start.
    package var expiresAt: Int64
    /// Seconds from the claim until `expiresAt`, by the database's clock; local clocks count down from it.
    package var secondsLeft: Double
    /// How many lines the pack holds.
    package var lineCount: Int
    /// Which lines of this part have a recorded result.
    package var done: LineSet
    /// Which lines belong to other parts; none of them is in ``done``.
    package var moved: LineSet
    /// The frame of ``LinePack``, already decompressed: all lines of the shard, those of other parts too.
    package var pack: [UInt8]

    /// A shard in a worker's hands.
    ///
    /// - Parameter moved: none when nil.
    package init(
        lease: Lease, project: ProjectID, lane: Lane = .normal, priority: Int16 = 0, isUrgent: Bool = false,
        endpoint: String, model: String, expiresAt: Int64, secondsLeft: Double, lineCount: Int, done: LineSet,
        moved: LineSet? = nil, pack: [UInt8]
    ) {
        self.lease = lease
        self.project = project
        self.lane = lane
        self.priority = priority
        self.isUrgent = isUrgent
        self.endpoint = endpoint
        self.model = model
        self.expiresAt = expiresAt
        self.secondsLeft = secondsLeft
        self.lineCount = lineCount
        self.done = done
        self.moved = moved ?? LineSet(lineCount: lineCount)
        self.pack = pack
    }
}

/// New results of one shard, written in one statement where the lease still holds.
package struct Checkpoint: Sendable {
    /// The right under which they are written.
    package var lease: Lease
    /// Counts up from 0 with each checkpoint of this lease.
    package var sequence: Int32
    /// All lines of the part that have a result once this checkpoint is written.
    package var done: LineSet
    /// Whether `done` is every line that was not moved to another part.
    package var isLast: Bool
    /// How many results the segment holds.
    package var lineCount: Int
    /// Of these, succeeded.
    package var completed: Int64
    /// Of these, failed.
    package var failed: Int64
    /// Tokens of these lines.
    package var usage: Usage
    /// The frame of ``SegmentPack``, not compressed.
    package var segment: [UInt8]
    /// Whether somebody waits for these results: coordinators are told of them at once.
    package var isLive = false

    /// New results of one shard.
    package init(
        lease: Lease, sequence: Int32, done: LineSet, isLast: Bool, lineCount: Int, completed: Int64, failed: Int64,
        usage: Usage, segment: [UInt8]
    ) {
        self.lease = lease
        self.sequence = sequence
        self.done = done
        self.isLast = isLast
        self.lineCount = lineCount
        self.completed = completed
        self.failed = failed
        self.usage = usage
        self.segment = segment
    }
}
