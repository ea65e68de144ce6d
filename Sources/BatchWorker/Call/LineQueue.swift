// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

/// Every shard this worker holds, and which of their lines may start. No clock and no waiting: instants come in,
/// lines and decisions go out.
///
/// Which batch comes next is ``BatchTurns``' decision; within a batch, shards come in the order of their claims. A
/// shard whose backends are full is passed over, so that a slow model holds up no other. Lines that wait for another
/// try are no part of that order and occupy nothing.
struct LineQueue: Sendable {
    /// A line that has started.
    struct Started: Sendable {
        /// The shard's serial.
        var serial: Int
        /// Which line, which try.
        var line: StartableLine
        /// Its place at a backend; whoever makes the call gives it up.
        var place: Reservation
        /// Where its bytes are.
        var lines: PackedLines
        /// No call outlives this instant.
        var windowEnds: ContinuousClock.Instant
    }

    /// How old the last proof of a lease may be for a call to start.
    private let trust: Duration
    private let files: FileBudget?
    private var held: [Int: HeldShard] = [:]
    private var serials: [Lease: Int] = [:]
    private var turns = BatchTurns()
    private var retries = RetryHeap()
    private var nextSerial = 0

    /// Lines that may start, as far as their shards are concerned.
    private(set) var startable = 0
    /// Of these, such that somebody waits for.
    private(set) var liveStartable = 0
    /// Lines that are not done.
    private(set) var unfinished = 0
    /// Bytes of the lines of all shards.
    private(set) var heldBytes = 0
    /// Calls in flight.
    private(set) var inFlight = 0

    /// Holds nothing yet; calls start under leases proved less than `trust` ago, and audio lines while `files` has
    /// room for theirs.
    init(trust: Duration, files: FileBudget? = nil) {
        self.trust = trust
        self.files = files
    }

    /// How many shards are held.
    var count: Int { held.count }

    /// Every lease that is held.
    var leases: [Lease] { Array(serials.keys) }

    /// Every batch of which a shard is held.
    var batches: [BatchID] { turns.batches }

    /// Takes in a shard whose claim was sent at `claimedAt`; returns its serial. `routes` are those of `lines`, or the
    /// one of the batch.
    mutating func add(
        _ claim: ClaimedShard, routes: [Route], lines: PackedLines, claimedAt: ContinuousClock.Instant
    ) -> Int {
        nextSerial += 1
        let shard = HeldShard(serial: nextSerial, claim: claim, routes: routes, lines: lines, claimedAt: claimedAt)
        held[nextSerial] = shard
        serials[claim.lease] = nextSerial
        count(shard.startable, of: shard)
        unfinished += shard.unfinished
        heldBytes += lines.byteCount
        turns.add(claim)
        if shard.startable > 0 { turns.list(nextSerial, of: claim.lease.shard.batch) }
        return nextSerial
    }

    /// The shard of a serial; nil when it is held no more.
    func shard(_ serial: Int) -> HeldShard? { held[serial] }

    /// The serial of a lease; nil when it is held no more.
    func serial(of lease: Lease) -> Int? { serials[lease] }

    /// Starts the next line; nil when none may start.
    mutating func take(at now: ContinuousClock.Instant) -> Started? {
        guard startable > 0 else { return nil }
        let picked = turns.first { [held, trust, files] serial -> (serial: Int, lane: Int, place: Reservation)? in
            guard let shard = held[serial], shard.mayStart(at: now, trust: trust),
                let (lane, place) = shard.reserve(files: files, at: now)
            else { return nil }
            return (serial, lane, place)
        }
        guard let (serial, lane, place) = picked else { return nil }
        guard let line = held[serial]?.takeLine(lane), let shard = held[serial] else {
            place.cancel()
            return nil
        }
        count(-1, of: shard)
        inFlight += 1
        turns.count(1, of: shard.lease.shard.batch)
        if shard.startable == 0 { turns.unlist(serial, of: shard.lease.shard.batch) }
        return Started(serial: serial, line: line, place: place, lines: shard.lines, windowEnds: shard.windowEnds)
    }

    /// When time alone lets a line start that may not start at `now`; nil when only something else can.
    func opensAt(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        held.values.lazy.filter { $0.startable > 0 }.compactMap { [files] in $0.opensAt(now, files: files) }.min()
    }

    /// A call has ended with a result; false when the shard is held no more or has the result already.
    mutating func finish(serial: Int, ordinal: Int) -> Bool {
        guard endCall(serial) != nil, held[serial]?.done.insert(ordinal) == true else { return false }
        unfinished -= 1
        return true
    }

    /// A call has ended without a result; the line waits until `due` for its next try, unless its shard is closing.
    mutating func postpone(serial: Int, _ next: StartableLine, until due: ContinuousClock.Instant) {
        guard endCall(serial) == true else { return }
        held[serial]?.waiting += 1
        retries.insert(.init(due: due, serial: serial, line: next))
    }

    /// A call was stopped and says nothing about its line, which may start again at once, unless its shard is closing.
    mutating func undo(serial: Int, _ line: StartableLine) {
        guard endCall(serial) == true else { return }
        makeStartable(serial, line)
    }

    /// A call has ended because the window did: its line is left to the coordinator, and so is what has not started.
    mutating func abandon(serial: Int, at now: ContinuousClock.Instant) {
        _ = endCall(serial)
        close(serial, .windowPassed, abortAt: now)
    }

    /// Counts the end of a call; returns whether its shard is open, nil when it is held no more.
    private mutating func endCall(_ serial: Int) -> Bool? {
        inFlight -= 1
        guard let index = held.index(forKey: serial) else { return nil }
        held.values[index].inFlight -= 1
        turns.count(-1, of: held.values[index].lease.shard.batch)
        return held.values[index].closing == nil
    }

    private mutating func makeStartable(_ serial: Int, _ line: StartableLine) {
        guard let shard = held[serial] else { return }
        if shard.startable == 0 { turns.list(serial, of: shard.lease.shard.batch) }
        held[serial]?.putBack(line)
        count(1, of: shard)
    }

    /// Counts startable lines.
    private mutating func count(_ change: Int, of shard: HeldShard) {
        startable += change
        if shard.isLive { liveStartable += change }
    }
}

extension LineQueue {
    /// Moves on with time: lines that are due become startable, shards whose window has passed are closed.
    ///
    /// - Returns: when to come again (nil: only after a change), and the serials of closing shards whose calls are to
    ///   be aborted now.
    mutating func tick(at now: ContinuousClock.Instant) -> (next: ContinuousClock.Instant?, abort: [Int]) {
        while let entry = retries.popDue(at: now) {
            guard let shard = held[entry.serial], shard.closing == nil else { continue }
            held[entry.serial]?.waiting -= 1
            makeStartable(entry.serial, entry.line)
        }
        var next = retries.firstDue
        var abort: [Int] = []
        for (serial, shard) in held {
            if shard.closing == nil && shard.windowEnds <= now {
                // Calls end with the window by themselves.
                close(serial, .windowPassed, abortAt: now + .seconds(1))
            }
            guard let closing = held[serial]?.closing else {
                next = min(next ?? shard.windowEnds, shard.windowEnds)
                continue
            }
            guard shard.inFlight > 0 else { continue }
            if closing.abortAt <= now {
                abort.append(serial)
            } else {
                next = min(next ?? closing.abortAt, closing.abortAt)
            }
        }
        return (next, abort)
    }

    /// A statement sent at `instant` proved the lease.
    mutating func confirm(_ lease: Lease, at instant: ContinuousClock.Instant) {
        guard let serial = serials[lease], let shard = held[serial], shard.confirmedAt < instant else { return }
        held[serial]?.confirmedAt = instant
    }

    /// Starts no more lines of a shard; calls in flight are aborted at `abortAt`.
    mutating func close(_ serial: Int, _ reason: ClosingReason, abortAt: ContinuousClock.Instant) {
        guard let shard = held[serial], shard.closing == nil else { return }
        count(-shard.startable, of: shard)
        held[serial]?.close(reason, abortAt: abortAt)
        turns.unlist(serial, of: shard.lease.shard.batch)
        if shard.waiting > 0 { retries.removeAll(serial: serial) }
    }

    /// Starts no more lines of any shard.
    mutating func closeAll(_ reason: ClosingReason, abortAt: ContinuousClock.Instant) {
        for serial in held.keys { close(serial, reason, abortAt: abortAt) }
    }

    /// Holds a shard no more: done, given back or lost. Calls in flight of it end without effect.
    mutating func remove(_ serial: Int) {
        guard let shard = held.removeValue(forKey: serial) else { return }
        serials[shard.lease] = nil
        count(-shard.startable, of: shard)
        unfinished -= shard.unfinished
        heldBytes -= shard.lines.byteCount
        turns.remove(serial, of: shard.lease.shard.batch, calls: shard.inFlight)
        if shard.waiting > 0 { retries.removeAll(serial: serial) }
    }

    /// Closing shards without a call in flight: to be given back once their results are recorded.
    var idleClosing: [Int] {
        held.values.filter { $0.closing != nil && $0.inFlight == 0 }.map(\.serial).sorted()
    }
}

extension LineQueue {
    /// Lines that may start, of those whose route `isMeant`.
    func startable(where isMeant: (Route) -> Bool) -> Int {
        held.values.reduce(0) { $0 + $1.startable(where: isMeant) }
    }
}

// What is given to idle workers.
extension LineQueue {
    /// Lines of a shard that are to become a part of their own.
    struct Division: Sendable {
        /// The shard's serial.
        var serial: Int
        /// The right to divide it.
        var lease: Lease
        /// What had moved to other parts before.
        var before: LineSet
        /// The same and the lines given away now.
        var after: LineSet
    }

    /// Gives something to an idle worker: a whole shard that was not begun, or half of the fresh lines of the shard
    /// that has most; nothing when no more than `keep` lines are startable. Live shards are small, and their results
    /// cannot wait for a division: they stay whole.
    ///
    /// - Returns: a division to be recorded; nil when a shard was closed as ``ClosingReason/yielded``, or nothing is
    ///   given.
    mutating func share(keeping keep: Int, except undecided: Set<Int>, at now: ContinuousClock.Instant) -> Division? {
        let open = held.values.filter {
            $0.closing == nil && !undecided.contains($0.serial) && $0.freshCount > 0 && !$0.isLive
        }
        guard startable > keep, let shard = open.max(by: { $0.freshCount < $1.freshCount }) else { return nil }
        if let whole = open.last(where: { $0.isUntouched && startable - $0.freshCount >= keep }), open.count > 1 {
            close(whole.serial, .yielded, abortAt: now)
            return nil
        }
        let count = min(shard.freshCount / 2, startable - keep)
        guard count > 0, count < shard.freshCount else { return nil }
        held[shard.serial]?.giveAway(count)
        self.count(-count, of: shard)
        unfinished -= count
        guard let after = held[shard.serial]?.moved else { return nil }
        return Division(serial: shard.serial, lease: shard.lease, before: shard.moved, after: after)
    }
}
