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
    /// Whether somebody waits for its results.
    let isLive: Bool
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

    /// Its lines by where they go.
    private var lanes: [ShardLane]
    /// The lane of each line; empty when there is one only.
    private let laneOf: [UInt16]
    /// Lines that no try was made at.
    private(set) var freshCount: Int
    private let freshAtFirst: Int

    /// A shard just claimed; lines in `claim.done` and `claim.moved` are not started. `routes` are those of `lines`, or
    /// the one of the batch.
    init(
        serial: Int, claim: ClaimedShard, routes: [Route], lines: PackedLines, claimedAt: ContinuousClock.Instant
    ) {
        self.serial = serial
        self.lease = claim.lease
        self.isLive = claim.lane == .live
        self.lines = lines
        self.windowEnds = claimedAt + .seconds(claim.secondsLeft)
        self.confirmedAt = claimedAt
        self.done = claim.done
        self.moved = claim.moved
        self.freshCount = claim.done.lineCount - claim.done.count - claim.moved.count
        self.freshAtFirst = freshCount
        self.lanes = routes.map { ShardLane(route: $0) }
        self.laneOf = lines.lanes
        if laneOf.isEmpty {
            lanes[0].freshCount = freshCount
        } else {
            for (ordinal, lane) in laneOf.enumerated() where !done.contains(ordinal) && !moved.contains(ordinal) {
                lanes[Int(lane)].freshCount += 1
            }
        }
    }

    /// The lane of a line.
    private func lane(_ ordinal: Int) -> Int { laneOf.isEmpty ? 0 : Int(laneOf[ordinal]) }

    /// Lines that may start now as far as the shard itself is concerned.
    var startable: Int { closing == nil ? lanes.reduce(0) { $0 + $1.startable } : 0 }

    /// The same of lanes whose route `isMeant`.
    func startable(where isMeant: (Route) -> Bool) -> Int {
        closing == nil ? lanes.reduce(0) { $0 + (isMeant($1.route) ? $1.startable : 0) } : 0
    }

    /// A place for the next line of the first lane that has one: a route without room does not hold up the others.
    func reserve(files: FileBudget?, at now: ContinuousClock.Instant) -> (lane: Int, place: Reservation)? {
        for index in lanes.indices {
            if let place = lanes[index].reserve(files: files, at: now) { return (index, place) }
        }
        return nil
    }

    /// When time alone lets a line start; nil when only something else can.
    func opensAt(_ now: ContinuousClock.Instant, files: FileBudget?) -> ContinuousClock.Instant? {
        lanes.lazy.compactMap { $0.opensAt(now, files: files) }.min()
    }

    /// Lines that are not done: startable, waiting and in flight.
    var unfinished: Int { done.lineCount - done.count - moved.count }

    /// Whether nothing was begun of it here.
    var isUntouched: Bool { inFlight == 0 && waiting == 0 && freshCount == freshAtFirst && startable == freshCount }

    /// Whether a call may start: the window is open, and the lease was confirmed less than `trust` ago.
    func mayStart(at now: ContinuousClock.Instant, trust: Duration) -> Bool {
        closing == nil && now < windowEnds && now - confirmedAt < trust
    }

    /// Takes the next line of a lane; nil when none is startable.
    mutating func takeLine(_ lane: Int) -> StartableLine? {
        guard closing == nil else { return nil }
        if let line = lanes[lane].dueAgain.popLast() {
            inFlight += 1
            return line
        }
        guard lanes[lane].freshCount > 0 else { return nil }
        var ordinal = lanes[lane].nextFresh
        while done.contains(ordinal) || moved.contains(ordinal) || self.lane(ordinal) != lane { ordinal += 1 }
        lanes[lane].nextFresh = ordinal + 1
        lanes[lane].freshCount -= 1
        freshCount -= 1
        inFlight += 1
        return StartableLine(ordinal: ordinal)
    }

    /// Makes a line startable that was taken before.
    mutating func putBack(_ line: StartableLine) {
        lanes[lane(line.ordinal)].insert(line)
    }

    /// Sets the last `count` of the fresh lines aside for another part. At least one must stay fresh, so that a
    /// checkpoint of this part is still to come when the division is in the database.
    mutating func giveAway(_ count: Int) {
        precondition(count > 0 && count < freshCount, "a part keeps at least one fresh line")
        var left = count
        var ordinal = done.lineCount - 1
        while left > 0 {
            let lane = lane(ordinal)
            if !done.contains(ordinal) && !moved.contains(ordinal) && ordinal >= lanes[lane].nextFresh {
                moved.insert(ordinal)
                lanes[lane].freshCount -= 1
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
        for index in lanes.indices {
            lanes[index].dueAgain = []
            lanes[index].freshCount = 0
        }
        freshCount = 0
        waiting = 0
    }
}
