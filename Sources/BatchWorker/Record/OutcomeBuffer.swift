// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// Results that are not recorded yet, by shard, and the checkpoints made of them. No clock and no waiting.
///
/// A checkpoint that was taken is kept, unchanged, until its fate is known: after an error, or a commit whose answer
/// was lost, the very same one is written again. A shard has at most one under way, so its sequence has no gaps.
struct OutcomeBuffer: Sendable {
    /// When a shard's results are due to be written.
    struct Limits: Hashable, Sendable {
        /// The oldest has waited this long.
        var age: Duration
        /// There are this many.
        var lines: Int
        /// They have this many bytes.
        var bytes: Int
    }

    /// A checkpoint under way.
    struct Taken: Sendable {
        /// The shard's serial.
        var serial: Int
        /// What is written.
        var checkpoint: Checkpoint
    }

    /// Results of one shard.
    fileprivate struct Pending: Sendable {
        let lease: Lease
        /// Whether somebody waits for them.
        let isLive: Bool
        var done: LineSet
        /// Lines that other parts of the shard have, as the database knows.
        var moved: LineSet
        var builder = SegmentPackBuilder()
        var completed: Int64 = 0
        var failed: Int64 = 0
        var usage = Usage()
        var oldest: ContinuousClock.Instant?
        var nextSequence: Int32 = 0
        var taken: Checkpoint?
    }

    private let limits: Limits
    private var shards: [Int: Pending] = [:]

    /// Bytes of all results that are not recorded, those of checkpoints under way included.
    private(set) var bytes = 0

    /// Results are written within `limits`.
    init(limits: Limits) {
        self.limits = limits
    }

    /// Makes room for the results of a shard, some of whose lines may be `done` already or `moved` to other parts.
    ///
    /// - Parameter isLive: whether somebody waits for the results, which then are due at once.
    mutating func open(serial: Int, lease: Lease, done: LineSet, moved: LineSet, isLive: Bool = false) {
        shards[serial] = Pending(lease: lease, isLive: isLive, done: done, moved: moved)
    }

    /// Lines of a shard have moved to another part, and the database knows it.
    mutating func move(serial: Int, to moved: LineSet) {
        update(serial) { $0.moved = moved }
    }

    /// Takes in a result; true when the shard should be written without delay.
    mutating func append(_ outcome: Outcome, serial: Int, at now: ContinuousClock.Instant) -> Bool {
        update(serial) { [limits] pending in
            pending.take(outcome, at: now)
            return pending.isFull(limits)
        } ?? false
    }

    /// Whether a shard has results that are not recorded.
    func hasResults(serial: Int) -> Bool {
        shards[serial].map { $0.taken != nil || $0.builder.outcomeCount > 0 } ?? false
    }

    /// How many results of a shard are not recorded.
    func unrecorded(serial: Int) -> Int {
        shards[serial].map { $0.builder.outcomeCount + ($0.taken?.lineCount ?? 0) } ?? 0
    }

    /// Whether a checkpoint of the shard is under way.
    func isTaken(serial: Int) -> Bool { shards[serial]?.taken != nil }

    /// Forgets a shard with all its results: done, given back or lost.
    mutating func close(serial: Int) {
        bytes -= shards.removeValue(forKey: serial)?.bytes ?? 0
    }

    /// Everything to be written now: checkpoints whose fate is unknown, and new ones of shards that are due, or of
    /// those in `eager` (closing shards wait for nothing), or of all when `all`; none of shards in `except`.
    ///
    /// - Parameter isLive: whether only live shards are meant, or only the others; nil for all.
    mutating func take(
        at now: ContinuousClock.Instant, eager: Set<Int> = [], all: Bool = false, except: Set<Int> = [],
        isLive: Bool? = nil
    ) -> [Taken] {
        var taken: [Taken] = []
        // By key: iterating over the dictionary would copy it, and every frame in it, at the first change.
        for serial in Array(shards.keys) where !except.contains(serial) {
            if let isLive, shards[serial]?.isLive != isLive { continue }
            let isWanted = all || eager.contains(serial)
            let checkpoint = update(serial) { [limits] pending -> Checkpoint? in
                if let checkpoint = pending.taken { return checkpoint }
                guard isWanted || pending.isDue(at: now, limits), pending.builder.outcomeCount > 0 else { return nil }
                return pending.makeCheckpoint()
            }
            if let checkpoint = checkpoint ?? nil { taken.append(Taken(serial: serial, checkpoint: checkpoint)) }
        }
        return taken
    }

    /// A checkpoint is in the database; true when it was the shard's last, which is then forgotten.
    mutating func written(_ taken: Taken) -> Bool {
        update(taken.serial) { $0.taken = nil }
        if taken.checkpoint.isLast { close(serial: taken.serial) }
        return taken.checkpoint.isLast
    }

    /// When the next shard is due, live or not; nil when no result waits.
    func nextDue(isLive: Bool) -> ContinuousClock.Instant? {
        shards.values.lazy.filter { $0.isLive == isLive }.compactMap(\.oldest).min()
            .map { isLive ? $0 : $0 + limits.age }
    }

    /// Whether somebody waits for the results of a shard.
    func isLive(serial: Int) -> Bool { shards[serial]?.isLive ?? false }

    /// Changes a shard's results and keeps the count of bytes right.
    @discardableResult
    private mutating func update<Value>(_ serial: Int, _ change: (inout Pending) -> Value) -> Value? {
        guard let index = shards.index(forKey: serial) else { return nil }
        bytes -= shards.values[index].bytes
        defer { bytes += shards.values[index].bytes }
        return change(&shards.values[index])
    }
}

extension OutcomeBuffer.Pending {
    /// Bytes of its results; a frame without results counts nothing.
    fileprivate var bytes: Int { (builder.outcomeCount > 0 ? builder.byteCount : 0) + (taken?.segment.count ?? 0) }

    fileprivate func isFull(_ limits: OutcomeBuffer.Limits) -> Bool {
        isLive || isComplete || builder.outcomeCount >= limits.lines || builder.byteCount >= limits.bytes
    }

    /// Whether every line that is not another part's has a result.
    fileprivate var isComplete: Bool { done.count + moved.count == done.lineCount }

    fileprivate func isDue(at now: ContinuousClock.Instant, _ limits: OutcomeBuffer.Limits) -> Bool {
        isFull(limits) || oldest.map { now - $0 >= limits.age } ?? false
    }

    fileprivate mutating func take(_ outcome: Outcome, at now: ContinuousClock.Instant) {
        builder.append(outcome)
        done.insert(outcome.ordinal)
        if outcome.isSuccess { completed += 1 } else { failed += 1 }
        usage += outcome.usage
        if oldest == nil { oldest = now }
    }

    fileprivate mutating func makeCheckpoint() -> Checkpoint {
        let lineCount = builder.outcomeCount
        var checkpoint = Checkpoint(
            lease: lease, sequence: nextSequence, done: done, isLast: isComplete, lineCount: lineCount,
            completed: completed, failed: failed, usage: usage, segment: builder.finish())
        checkpoint.isLive = isLive
        nextSequence += 1
        completed = 0
        failed = 0
        usage = Usage()
        oldest = nil
        taken = checkpoint
        return checkpoint
    }
}
