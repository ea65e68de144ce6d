// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Loops
import Synchronization

/// Where calls get their lines and leave their results, and where the loops around them look: one lock around the queue
/// and the buffer, no waiting inside it.
final class CallDesk: Sendable {
    /// A line whose call is under way, or about to be.
    struct OpenCall: Sendable {
        /// Its place in the list of open calls.
        let number: Int
        /// The line and its place at a backend.
        let started: LineQueue.Started
        /// Aborts it.
        let handle: CallHandle
    }

    /// The state of the desk; changed under the lock only.
    struct State: Sendable {
        /// What may start.
        var queue: LineQueue
        /// What is not recorded.
        var buffer: OutcomeBuffer
        /// Calls under way by number, with the serial of their shard; free places are nil.
        var calls: [(serial: Int, handle: CallHandle)?] = []
        /// Free places of ``calls``.
        var free: [Int] = []
        /// Shards that are being given back.
        var releasing: Set<Int> = []
        /// Divisions that are not in the database yet, or of which that is unknown, by serial.
        var divisions: [Int: LineQueue.Division] = [:]
        /// Calls that have ended.
        var finished = 0
        /// Fewer startable lines than this wake the Claim room, if it believes that there are more and room is left.
        var lowWater = 0
        /// The same of live lines.
        var liveLowWater = 0
        /// See ``WorkerConfiguration/concurrency``.
        let callsMax: Int
        /// See ``WorkerConfiguration/bufferedBytesMax``.
        let bufferedBytesMax: Int
        /// See ``WorkerConfiguration/heldLinesMax``.
        let heldLinesMax: Int
        /// See ``WorkerConfiguration/heldBytesMax``.
        let heldBytesMax: Int
        /// Whether the store may have more ready shards than were claimed.
        var mayClaimMore = false
        /// The same of live shards.
        var mayClaimLive = false
        /// Which shards are said to be ready since the Claim room looked last.
        var claimNews = (live: false, others: false)
        /// When the clock comes next by itself.
        var clockDue: ContinuousClock.Instant?
        /// Not before this instant is looked again when time alone will let a line start.
        var nextLook = ContinuousClock.now
        /// How often that is looked at: answers come far more often, and each finds the backends full.
        static let lookEvery = Duration.milliseconds(10)
        /// Whether the worker is on its way out: no shard is taken in.
        var isQuiet = false
        /// Whether nothing starts any more.
        var isClosed = false
    }

    /// Things to do once the lock is free.
    struct Errands {
        /// Calls that are aborted.
        var aborts: [CallHandle] = []
        /// Whether lines may have become startable.
        var pumps = false
        /// Whether the Claim room is woken.
        var wakesClaim = false
        /// Whether the Record room is woken.
        var wakesRecord = false
        /// Whether the Record room of live results is woken.
        var wakesLiveRecord = false
        /// Whether the clock is woken.
        var wakesClock = false
        /// Whether a quiet desk has become empty.
        var isEmpty = false
    }

    /// Wakes the Claim room.
    let claimWake = WakeSignal()
    /// Wakes the Record room.
    let recordWake = WakeSignal()
    /// Wakes the Record room of live results.
    let liveRecordWake = WakeSignal()
    /// Wakes the clock that minds retries and deadlines.
    let clockWake = WakeSignal()
    /// Raised when a quiet desk holds no shard any more.
    let emptied = StopFlag()

    private let configuration: WorkerConfiguration
    private let state: Mutex<State>
    private let pump = Mutex<Pump?>(nil)

    /// A closure in a type of its own: taken bare out of a lock it would be wrapped once more each time.
    private struct Pump: Sendable {
        let run: @Sendable () -> Void
    }

    /// An empty desk for `configuration.concurrency` calls at once; `files` is the room for files of audio lines.
    init(configuration: WorkerConfiguration, files: FileBudget? = nil) {
        self.configuration = configuration
        self.state = Mutex(
            State(
                queue: LineQueue(trust: configuration.leaseTrust, files: files),
                buffer: OutcomeBuffer(
                    limits: .init(
                        age: configuration.checkpointEvery, lines: configuration.checkpointLinesMax,
                        bytes: configuration.checkpointBytesMax)),
                callsMax: configuration.concurrency, bufferedBytesMax: configuration.bufferedBytesMax,
                heldLinesMax: configuration.heldLinesMax, heldBytesMax: configuration.heldBytesMax))
    }

    /// From now on `pump` is called whenever lines may have become startable, on any thread.
    func attach(_ pump: @escaping @Sendable () -> Void) {
        self.pump.withLock { $0 = Pump(run: pump) }
    }

    /// Changes the state under the lock, then runs the errands that came of it.
    func change<Value: Sendable>(_ body: (inout State, inout Errands) -> Value) -> Value {
        var errands = Errands()
        let value = state.withLock { body(&$0, &errands) }
        run(errands)
        return value
    }

    /// Reads the state under the lock.
    func read<Value: Sendable>(_ body: (borrowing State) -> Value) -> Value {
        state.withLock { body($0) }
    }

    private func run(_ errands: Errands) {
        for call in errands.aborts { call.abort() }
        if errands.wakesClaim { claimWake.wake() }
        if errands.wakesRecord { recordWake.wake() }
        if errands.wakesLiveRecord { liveRecordWake.wake() }
        if errands.wakesClock { clockWake.wake() }
        if errands.isEmpty { emptied.raise() }
        if errands.pumps { pump.withLock { $0 }?.run() }
    }

    /// How long calls of a stopped batch may go on.
    var cancelGrace: Duration { configuration.cancelGrace }

    /// Whether no new shard is taken in.
    var isQuiet: Bool { read { $0.isQuiet } }

    /// Calls in flight.
    var inFlight: Int { read { $0.queue.inFlight } }
}

// What the pump does.
extension CallDesk {
    /// The next line that may start now; nil when there is none.
    func next() -> OpenCall? {
        change { state, errands in state.next(&errands, at: .now) }
    }

    /// A call has ended; returns the line that takes its place, if there is one.
    func finish(_ call: OpenCall, _ result: AttemptResult) -> OpenCall? {
        let now = ContinuousClock.now
        return change { state, errands in
            state.end(call, result, &errands, at: now)
            return state.next(&errands, at: now)
        }
    }
}

extension CallDesk.State {
    /// Starts the next line, if the desk lets any start.
    mutating func next(_ errands: inout CallDesk.Errands, at now: ContinuousClock.Instant) -> CallDesk.OpenCall? {
        guard !isClosed, queue.inFlight < callsMax, buffer.bytes < bufferedBytesMax,
            let started = queue.take(at: now)
        else {
            if queue.startable > 0, now >= nextLook {
                nextLook = now + Self.lookEvery
                if let due = queue.opensAt(now), clockDue.map({ due < $0 }) ?? true { errands.wakesClock = true }
            }
            return nil
        }
        let handle = CallHandle()
        let number = free.popLast() ?? calls.endIndex
        if number == calls.endIndex { calls.append(nil) }
        calls[number] = (started.serial, handle)
        if wantsClaim { errands.wakesClaim = true }
        return CallDesk.OpenCall(number: number, started: started, handle: handle)
    }

    /// Takes in the end of a call.
    fileprivate mutating func end(
        _ call: CallDesk.OpenCall, _ result: AttemptResult, _ errands: inout CallDesk.Errands,
        at now: ContinuousClock.Instant
    ) {
        calls[call.number] = nil
        free.append(call.number)
        finished += 1
        let (serial, line) = (call.started.serial, call.started.line)
        switch result {
        case .finished(let outcome):
            if queue.finish(serial: serial, ordinal: line.ordinal) {
                let isDue = buffer.append(outcome, serial: serial, at: now)
                if buffer.isLive(serial: serial) {
                    errands.wakesLiveRecord = isDue
                } else {
                    errands.wakesRecord = isDue
                }
            }
        case .again(let order) where !order.isTry && order.after <= .zero:
            queue.undo(serial: serial, line.next(order))
        case .again(let order):
            queue.postpone(serial: serial, line.next(order), until: now + order.after)
            if clockDue.map({ now + order.after < $0 }) ?? true { errands.wakesClock = true }
        case .windowOver:
            queue.abandon(serial: serial, at: now)
            errands.wakesClock = true
        case .aborted:
            queue.undo(serial: serial, line)
        }
        if let shard = queue.shard(serial), shard.closing != nil, shard.inFlight == 0 { errands.wakesRecord = true }
    }

    /// Whether the Claim room should look for more; true once per shortage.
    var wantsClaim: Bool {
        mutating get {
            guard !isQuiet else { return false }
            if mayClaimLive, queue.liveStartable < liveLowWater, queue.heldBytes < heldBytesMax {
                (mayClaimLive, claimNews.live) = (false, true)
                return true
            }
            guard mayClaimMore, queue.startable < lowWater, queue.unfinished < heldLinesMax,
                queue.heldBytes < heldBytesMax
            else { return false }
            (mayClaimMore, claimNews.others) = (false, true)
            return true
        }
    }

    /// The calls under way of a shard.
    func handles(of serial: Int) -> [CallHandle] {
        calls.compactMap { call in call.flatMap { $0.serial == serial ? $0.handle : nil } }
    }

    /// Throws away what is here of a shard that is somebody else's now.
    mutating func lose(_ serial: Int, _ errands: inout CallDesk.Errands) -> LostShard? {
        guard let shard = queue.shard(serial) else { return nil }
        let results = buffer.unrecorded(serial: serial)
        errands.aborts += handles(of: serial)
        remove(serial, &errands)
        return LostShard(
            lease: shard.lease, resultsDropped: results, callsAborted: shard.inFlight,
            linesLeft: max(shard.unfinished - shard.inFlight, 0))
    }

    /// Holds a shard no more.
    mutating func remove(_ serial: Int, _ errands: inout CallDesk.Errands) {
        queue.remove(serial)
        buffer.close(serial: serial)
        releasing.remove(serial)
        divisions[serial] = nil
        errands.wakesClaim = wantsClaim || errands.wakesClaim
        errands.isEmpty = isQuiet && queue.count == 0
    }
}
