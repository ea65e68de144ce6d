// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

/// Why no more lines of a shard are started.
enum ClosingReason: String, Hashable, Sendable {
    /// Its batch is no longer `in_progress`.
    case batchStopped
    /// Its batch's window has passed.
    case windowPassed
    /// The worker is on its way out.
    case draining
}

/// A line that may start: fresh, or due for another try.
struct StartableLine: Hashable, Sendable {
    /// 0-based place in the shard.
    var ordinal: Int
    /// The number of the try about to start; the first is 1.
    var attempt: Int
}

/// A shard in this worker's hands and where each of its lines stands. Changed only through ``LineQueue``.
struct HeldShard: Sendable {
    /// Names it within this process; never reused.
    let serial: Int
    /// The right to write its results.
    let lease: Lease
    /// Where its lines go.
    let route: Route
    /// Its lines as bytes.
    let lines: PackedLines
    /// When the batch's window ends, on this process's monotonic clock.
    let windowEnds: ContinuousClock.Instant
    /// When a statement was sent that proved the lease; the lease runs from then at the latest.
    var confirmedAt: ContinuousClock.Instant
    /// Lines with a result, recorded or not.
    var done: LineSet
    /// Calls in flight.
    var inFlight = 0
    /// Lines that wait for the time of their next try.
    var waiting = 0
    /// Set once no more lines are started; the instant is when calls still in flight are aborted.
    var closing: (reason: ClosingReason, abortAt: ContinuousClock.Instant)?

    /// Tries that are due, last one first.
    private var dueAgain: [StartableLine] = []
    private var nextFresh = 0
    private var freshCount: Int

    /// A shard just claimed; lines in `claim.done` are not started again.
    init(
        serial: Int, claim: ClaimedShard, route: Route, lines: PackedLines, claimedAt: ContinuousClock.Instant
    ) {
        self.serial = serial
        self.lease = claim.lease
        self.route = route
        self.lines = lines
        self.windowEnds = claimedAt + .seconds(claim.secondsLeft)
        self.confirmedAt = claimedAt
        self.done = claim.done
        self.freshCount = claim.done.lineCount - claim.done.count
    }

    /// Lines that may start now as far as the shard itself is concerned.
    var startable: Int { closing == nil ? freshCount + dueAgain.count : 0 }

    /// Lines that are not done: startable, waiting and in flight.
    var unfinished: Int { done.lineCount - done.count }

    /// Whether a call may start: the window is open, and the lease was confirmed less than `trust` ago.
    func mayStart(at now: ContinuousClock.Instant, trust: Duration) -> Bool {
        closing == nil && now < windowEnds && now - confirmedAt < trust
    }

    /// Takes the next line; nil when none is startable.
    mutating func takeLine() -> StartableLine? {
        guard closing == nil else { return nil }
        if let line = dueAgain.popLast() {
            inFlight += 1
            return line
        }
        guard freshCount > 0 else { return nil }
        while done.contains(nextFresh) { nextFresh += 1 }
        freshCount -= 1
        inFlight += 1
        defer { nextFresh += 1 }
        return StartableLine(ordinal: nextFresh, attempt: 1)
    }

    /// Makes a line startable that was taken before.
    mutating func putBack(_ line: StartableLine) {
        dueAgain.append(line)
    }

    /// No more lines are started; those that were not are forgotten.
    mutating func close(_ reason: ClosingReason, abortAt: ContinuousClock.Instant) {
        guard closing == nil else { return }
        closing = (reason, abortAt)
        dueAgain = []
        freshCount = 0
        waiting = 0
    }
}
