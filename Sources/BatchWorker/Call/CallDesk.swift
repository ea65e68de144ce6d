// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Loops
import Synchronization

/// Where slots get their lines and leave their results, and where the loops around them look: one lock around the queue
/// and the buffer, no waiting inside it.
final class CallDesk: Sendable {
    /// The state of the desk; changed under the lock only.
    struct State: Sendable {
        /// What may start.
        var queue: LineQueue
        /// What is not recorded.
        var buffer: OutcomeBuffer
        /// Slots without a line, the longest idle first.
        var parked: [Parked] = []
        /// For each slot: the serial of the shard whose line it calls, 0 for none.
        var calling: [Int]
        /// For each slot: its task, by which a call is aborted.
        var tasks: [Task<Bool, Never>?]
        /// Shards that are being given back.
        var releasing: Set<Int> = []
        /// Calls that have ended.
        var finished = 0
        /// Fewer startable lines than this wake the Claim room, if it believes that there are more and room is left.
        var lowWater = 0
        /// See ``WorkerConfiguration/heldLinesMax``.
        let heldLinesMax: Int
        /// See ``WorkerConfiguration/heldBytesMax``.
        let heldBytesMax: Int
        /// Whether the store may have more ready shards than were claimed.
        var mayClaimMore = false
        /// When the clock comes next by itself.
        var clockDue: ContinuousClock.Instant?
        /// Whether the worker is on its way out: no shard is taken in.
        var isQuiet = false
        /// Whether slots are sent home.
        var isClosed = false
    }

    /// A slot that waits for a line.
    struct Parked {
        /// Its number.
        let slot: Int
        /// Resumed with a line, or with nil when the desk closes.
        let continuation: CheckedContinuation<LineQueue.Started?, Never>
    }

    /// Things to do once the lock is free.
    struct Errands {
        /// Slots to be resumed, and with what.
        var handovers: [(CheckedContinuation<LineQueue.Started?, Never>, LineQueue.Started?)] = []
        /// Tasks whose calls are aborted.
        var aborts: [Task<Bool, Never>] = []
        /// Whether the Claim room is woken.
        var wakesClaim = false
        /// Whether the Record room is woken.
        var wakesRecord = false
        /// Whether the clock is woken.
        var wakesClock = false
        /// Whether a quiet desk has become empty.
        var isEmpty = false
    }

    /// Wakes the Claim room.
    let claimWake = WakeSignal()
    /// Wakes the Record room.
    let recordWake = WakeSignal()
    /// Wakes the clock that minds retries and deadlines.
    let clockWake = WakeSignal()
    /// Raised when a quiet desk holds no shard any more.
    let emptied = StopFlag()

    private let configuration: WorkerConfiguration
    private let state: Mutex<State>

    /// An empty desk for `configuration.concurrency` slots.
    init(configuration: WorkerConfiguration) {
        self.configuration = configuration
        self.state = Mutex(
            State(
                queue: LineQueue(trust: configuration.leaseTrust),
                buffer: OutcomeBuffer(
                    limits: .init(
                        age: configuration.checkpointEvery, lines: configuration.checkpointLinesMax,
                        bytes: configuration.checkpointBytesMax)),
                calling: Array(repeating: 0, count: configuration.concurrency),
                tasks: Array(repeating: nil, count: configuration.concurrency),
                heldLinesMax: configuration.heldLinesMax, heldBytesMax: configuration.heldBytesMax))
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
        for (continuation, line) in errands.handovers { continuation.resume(returning: line) }
        for task in errands.aborts { task.cancel() }
        if errands.wakesClaim { claimWake.wake() }
        if errands.wakesRecord { recordWake.wake() }
        if errands.wakesClock { clockWake.wake() }
        if errands.isEmpty { emptied.raise() }
    }

    /// Unrecorded results beyond which no call starts, in bytes.
    var bufferedBytesMax: Int { configuration.bufferedBytesMax }

    /// How long calls of a stopped batch may go on.
    var cancelGrace: Duration { configuration.cancelGrace }

    /// Whether no new shard is taken in.
    var isQuiet: Bool { read { $0.isQuiet } }

    /// Calls in flight.
    var inFlight: Int { read { $0.queue.inFlight } }
}

// What slots do.
extension CallDesk {
    /// The next line for `slot`, as soon as one may start; nil when the desk is closed.
    func next(slot: Int) async -> LineQueue.Started? {
        let bytesMax = bufferedBytesMax
        let ready = change { state, errands -> LineQueue.Started? in
            guard let line = state.take(slot: slot, at: .now, bytesMax: bytesMax) else { return nil }
            errands.wakesClaim = state.wantsClaim
            state.serveParked(&errands, at: .now, bytesMax: bytesMax)
            return line
        }
        if let ready { return ready }
        return await withCheckedContinuation { continuation in
            change { state, errands in
                // Something may have come between the two looks.
                if state.isClosed {
                    errands.handovers.append((continuation, nil))
                } else if let line = state.take(slot: slot, at: .now, bytesMax: bytesMax) {
                    errands.handovers.append((continuation, line))
                } else {
                    state.parked.append(Parked(slot: slot, continuation: continuation))
                }
                errands.wakesClaim = state.wantsClaim
            }
        }
    }

    /// A slot's call has ended.
    func finish(slot: Int, _ started: LineQueue.Started, _ result: AttemptResult) {
        let now = ContinuousClock.now
        change { state, errands in
            state.calling[slot] = 0
            state.finished += 1
            let serial = started.serial
            switch result {
            case .finished(let outcome):
                if state.queue.finish(serial: serial, ordinal: started.line.ordinal) {
                    errands.wakesRecord = state.buffer.append(outcome, serial: serial, at: now)
                }
            case .again(let delay, _):
                let next = StartableLine(ordinal: started.line.ordinal, attempt: started.line.attempt + 1)
                state.queue.postpone(serial: serial, next, until: now + delay)
                errands.wakesClock = state.clockDue.map { now + delay < $0 } ?? true
            case .windowOver:
                state.queue.abandon(serial: serial, at: now)
                errands.wakesClock = true
            case .aborted:
                state.queue.undo(serial: serial, started.line)
            }
            if let shard = state.queue.shard(serial), shard.closing != nil, shard.inFlight == 0 {
                errands.wakesRecord = true
            }
        }
    }

    /// Remembers the task that serves `slot`, so that its call can be aborted.
    func attach(_ task: Task<Bool, Never>, slot: Int) {
        change { state, errands in
            state.tasks[slot] = task
            if state.isClosed { errands.aborts.append(task) }
        }
    }
}

extension CallDesk.State {
    /// Starts the next line, if the desk lets any start.
    mutating func take(
        slot: Int, at now: ContinuousClock.Instant, bytesMax: Int
    ) -> LineQueue.Started? {
        guard !isClosed, buffer.bytes < bytesMax, let line = queue.take(at: now) else { return nil }
        calling[slot] = line.serial
        return line
    }

    /// Gives lines to slots that wait.
    mutating func serveParked(_ errands: inout CallDesk.Errands, at now: ContinuousClock.Instant, bytesMax: Int) {
        while let slot = parked.last?.slot, let line = take(slot: slot, at: now, bytesMax: bytesMax) {
            errands.handovers.append((parked.removeLast().continuation, line))
        }
    }

    /// Whether the Claim room should look for more; true once per shortage.
    var wantsClaim: Bool {
        mutating get {
            guard mayClaimMore, !isQuiet, queue.startable < lowWater, queue.unfinished < heldLinesMax,
                queue.heldBytes < heldBytesMax
            else { return false }
            mayClaimMore = false
            return true
        }
    }

    /// The tasks that call lines of a shard.
    func tasks(of serial: Int) -> [Task<Bool, Never>] {
        calling.indices.filter { calling[$0] == serial }.compactMap { tasks[$0] }
    }

    /// Throws away what is here of a shard that is somebody else's now.
    mutating func lose(_ serial: Int, _ errands: inout CallDesk.Errands) -> LostShard? {
        guard let shard = queue.shard(serial) else { return nil }
        let results = buffer.unrecorded(serial: serial)
        errands.aborts += tasks(of: serial)
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
        errands.wakesClaim = wantsClaim || errands.wakesClaim
        errands.isEmpty = isQuiet && queue.count == 0
    }
}
