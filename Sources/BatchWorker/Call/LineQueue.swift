// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

/// Every shard this worker holds, and which of their lines may start. No clock and no waiting: instants come in,
/// lines and decisions go out.
///
/// Lines start in the order in which their shards were claimed; a shard whose backends are full is passed over, so
/// that a slow model holds up no other. Lines that wait for another try are no part of that order and occupy nothing.
struct LineQueue: Sendable {
    /// A line that has started.
    struct Started: Sendable {
        /// The shard's serial.
        var serial: Int
        /// Which line, which try.
        var line: StartableLine
        /// Where it goes.
        var route: Route
        /// Its place there; whoever makes the call gives it up.
        var place: Reservation
        /// Where its bytes are.
        var lines: PackedLines
        /// No call outlives this instant.
        var windowEnds: ContinuousClock.Instant
    }

    /// How old the last proof of a lease may be for a call to start.
    private let trust: Duration
    private var held: [Int: HeldShard] = [:]
    private var serials: [Lease: Int] = [:]
    /// Serials of the shards with startable lines, in the order of their claims.
    private var order: [Int] = []
    private var retries = RetryHeap()
    private var nextSerial = 0

    /// Lines that may start, as far as their shards are concerned.
    private(set) var startable = 0
    /// Lines that are not done.
    private(set) var unfinished = 0
    /// Bytes of the lines of all shards.
    private(set) var heldBytes = 0
    /// Calls in flight.
    private(set) var inFlight = 0

    /// Holds nothing yet; calls start under leases proved less than `trust` ago.
    init(trust: Duration) {
        self.trust = trust
    }

    /// How many shards are held.
    var count: Int { held.count }

    /// Every lease that is held.
    var leases: [Lease] { Array(serials.keys) }

    /// Takes in a shard whose claim was sent at `claimedAt`; returns its serial.
    mutating func add(
        _ claim: ClaimedShard, route: Route, lines: PackedLines, claimedAt: ContinuousClock.Instant
    ) -> Int {
        nextSerial += 1
        let shard = HeldShard(serial: nextSerial, claim: claim, route: route, lines: lines, claimedAt: claimedAt)
        held[nextSerial] = shard
        serials[claim.lease] = nextSerial
        startable += shard.startable
        unfinished += shard.unfinished
        heldBytes += lines.byteCount
        if shard.startable > 0 { order.append(nextSerial) }
        return nextSerial
    }

    /// The shard of a serial; nil when it is held no more.
    func shard(_ serial: Int) -> HeldShard? { held[serial] }

    /// The serial of a lease; nil when it is held no more.
    func serial(of lease: Lease) -> Int? { serials[lease] }

    /// Whether a line could start at `now`: what ``take(at:)`` would find, without taking it.
    func hasLine(at now: ContinuousClock.Instant) -> Bool {
        order.contains { held[$0].map { $0.mayStart(at: now, trust: trust) && $0.route.hasRoom } ?? false }
    }

    /// Starts the next line; nil when none may start.
    mutating func take(at now: ContinuousClock.Instant) -> Started? {
        for (index, serial) in order.enumerated() {
            guard let shard = held[serial], shard.mayStart(at: now, trust: trust),
                let place = shard.route.reserve()
            else { continue }
            guard let line = held[serial]?.takeLine() else {
                place.leave()
                continue
            }
            startable -= 1
            inFlight += 1
            if held[serial]?.startable == 0 { order.remove(at: index) }
            return Started(
                serial: serial, line: line, route: shard.route, place: place, lines: shard.lines,
                windowEnds: shard.windowEnds)
        }
        return nil
    }

    /// A call has ended with a result; false when the shard is held no more or has the result already.
    mutating func finish(serial: Int, ordinal: Int) -> Bool {
        inFlight -= 1
        held[serial]?.inFlight -= 1
        guard held[serial]?.done.insert(ordinal) == true else { return false }
        unfinished -= 1
        return true
    }

    /// A call has ended without a result; the line waits until `due` for its next try, unless its shard is closing.
    mutating func postpone(serial: Int, _ next: StartableLine, until due: ContinuousClock.Instant) {
        inFlight -= 1
        guard let shard = held[serial] else { return }
        held[serial]?.inFlight -= 1
        guard shard.closing == nil else { return }
        held[serial]?.waiting += 1
        retries.insert(.init(due: due, serial: serial, line: next))
    }

    /// A call was stopped and says nothing about its line, which may start again at once, unless its shard is closing.
    mutating func undo(serial: Int, _ line: StartableLine) {
        inFlight -= 1
        guard let shard = held[serial] else { return }
        held[serial]?.inFlight -= 1
        guard shard.closing == nil else { return }
        makeStartable(serial, line)
    }

    /// A call has ended because the window did: its line is left to the coordinator, and so is what has not started.
    mutating func abandon(serial: Int, at now: ContinuousClock.Instant) {
        inFlight -= 1
        held[serial]?.inFlight -= 1
        close(serial, .windowPassed, abortAt: now)
    }

    private mutating func makeStartable(_ serial: Int, _ line: StartableLine) {
        if held[serial]?.startable == 0 { insertInOrder(serial) }
        held[serial]?.putBack(line)
        startable += 1
    }

    /// Serials grow with each claim, so the order of claims is their order.
    private mutating func insertInOrder(_ serial: Int) {
        let index = order.firstIndex { $0 > serial } ?? order.endIndex
        order.insert(serial, at: index)
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
        startable -= shard.startable
        held[serial]?.close(reason, abortAt: abortAt)
        order.removeAll { $0 == serial }
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
        startable -= shard.startable
        unfinished -= shard.unfinished
        heldBytes -= shard.lines.byteCount
        order.removeAll { $0 == serial }
        if shard.waiting > 0 { retries.removeAll(serial: serial) }
    }

    /// Closing shards without a call in flight: to be given back once their results are recorded.
    var idleClosing: [Int] {
        held.values.filter { $0.closing != nil && $0.inFlight == 0 }.map(\.serial).sorted()
    }
}
