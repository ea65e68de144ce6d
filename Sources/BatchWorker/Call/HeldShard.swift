// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

/// Why no more lines of a shard are started.
enum ClosingReason: String, Hashable, Sendable {
    /// Its batch is no longer `in_progress`.
    case batchStopped
    /// Its batch is paused: calls in flight may end in their own time.
    case batchPaused
    /// Its batch's window has passed.
    case windowPassed
    /// The worker is on its way out.
    case draining
    /// Another worker is idle and gets it whole.
    case yielded
}

/// A line that may start: fresh, or due for another try.
struct StartableLine: Hashable, Sendable {
    /// 0-based place in the shard.
    var ordinal: Int
    /// The number of the try about to start; the first is 1.
    var attempt = 1
    /// Tries before this one that use up none of the attempts a backend allows.
    var uncounted = 0
    /// The stop of its route that failed last, which the next try avoids.
    var avoiding: Int?
    /// What the last try came to; empty for the first.
    var lastError = ""
    /// The form of an audio line, once its file is there.
    var upload: LineUpload?

    /// The same line after a try that failed, or after what came before a try.
    func next(_ order: RetryOrder) -> StartableLine {
        guard order.isTry else {
            var line = self
            line.upload = order.upload
            return line
        }
        return StartableLine(
            ordinal: ordinal, attempt: attempt + 1, uncounted: uncounted + (order.isCounted ? 0 : 1),
            avoiding: order.stop, lastError: order.because)
    }
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
    /// Lines that belong, or are about to belong, to other parts of the shard.
    private(set) var moved: LineSet
    /// Calls in flight.
    var inFlight = 0
    /// Lines that wait for the time of their next try.
    var waiting = 0
    /// Set once no more lines are started; the instant is when calls still in flight are aborted.
    var closing: (reason: ClosingReason, abortAt: ContinuousClock.Instant)?

    /// Tries that are due, last one first.
    private var dueAgain: [StartableLine] = []
    private var nextFresh = 0
    /// Lines that no try was made at.
    private(set) var freshCount: Int
    private let freshAtFirst: Int

    /// A shard just claimed; lines in `claim.done` and `claim.moved` are not started.
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
        self.moved = claim.moved
        self.freshCount = claim.done.lineCount - claim.done.count - claim.moved.count
        self.freshAtFirst = freshCount
    }

    /// Lines that may start now as far as the shard itself is concerned.
    var startable: Int { closing == nil ? freshCount + dueAgain.count : 0 }

    /// Lines that are not done: startable, waiting and in flight.
    var unfinished: Int { done.lineCount - done.count - moved.count }

    /// Whether nothing was begun of it here.
    var isUntouched: Bool { inFlight == 0 && waiting == 0 && dueAgain.isEmpty && freshCount == freshAtFirst }

    /// Whether a call may start: the window is open, and the lease was confirmed less than `trust` ago.
    func mayStart(at now: ContinuousClock.Instant, trust: Duration) -> Bool {
        closing == nil && now < windowEnds && now - confirmedAt < trust
    }

    /// The stop that the next line had better avoid.
    var avoiding: Int? { dueAgain.last?.avoiding }

    /// Takes the next line; nil when none is startable.
    mutating func takeLine() -> StartableLine? {
        guard closing == nil else { return nil }
        if let line = dueAgain.popLast() {
            inFlight += 1
            return line
        }
        guard freshCount > 0 else { return nil }
        while done.contains(nextFresh) || moved.contains(nextFresh) { nextFresh += 1 }
        freshCount -= 1
        inFlight += 1
        defer { nextFresh += 1 }
        return StartableLine(ordinal: nextFresh)
    }

    /// Makes a line startable that was taken before.
    mutating func putBack(_ line: StartableLine) {
        dueAgain.append(line)
    }

    /// Sets the last `count` of the fresh lines aside for another part. At least one must stay fresh, so that a
    /// checkpoint of this part is still to come when the division is in the database.
    mutating func giveAway(_ count: Int) {
        precondition(count > 0 && count < freshCount, "a part keeps at least one fresh line")
        var left = count
        var ordinal = done.lineCount - 1
        while left > 0 {
            if !done.contains(ordinal) && !moved.contains(ordinal) {
                moved.insert(ordinal)
                left -= 1
            }
            ordinal -= 1
        }
        freshCount -= count
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
