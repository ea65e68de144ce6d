// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Loops
import Synchronization

/// Where calls get their lines and leave their results: one lock, no waiting inside it.
final class RunDesk: Sendable {
    /// A line whose call is under way, or about to be.
    struct OpenCall: Sendable {
        /// Its place in the list of open calls.
        let number: Int
        /// The line and its place at the backend.
        let started: RunQueue.Started
        /// Aborts it.
        let handle: CallHandle
    }

    private struct State {
        var queue: RunQueue
        var calls: [CallHandle?] = []
        var free: [Int] = []
        /// Whether the reader is at work.
        var isReading = false
        var hasReadAll = false
        /// The request that the reader hands out next.
        var nextOrdinal = 0
        /// Results that are in their files.
        var written = 0
        var callCount = 0
        var isQuiet = false
        var clockDue: ContinuousClock.Instant?
        var nextLook = ContinuousClock.now
        var lastError = ""

        init(_ queue: RunQueue) { self.queue = queue }
    }

    /// Wakes the clock that minds retries.
    let clockWake = WakeSignal()
    /// Raised when nothing is in flight and nothing will start any more.
    let idle = StopFlag()

    private let callsMax: Int
    private let idleMax: Int
    private let limits: RunLimits
    private let pending: PendingBytes
    private let state: Mutex<State>
    /// Closures in a type of their own: taken bare out of a lock they would be wrapped once more each time.
    private struct Errands: Sendable {
        let pump: @Sendable () -> Void
        let read: @Sendable () -> Void
    }

    private let errands = Mutex<Errands?>(nil)
    /// How often it is looked whether time alone lets a line start: answers come far more often.
    private static let lookEvery = Duration.milliseconds(10)

    /// A desk for `callsMax` calls at once, and none while too many results are `pending`; `files` is the room for
    /// files of audio lines.
    init(callsMax: Int, limits: RunLimits, pending: PendingBytes, files: FileBudget? = nil) {
        state = Mutex(State(RunQueue(files: files)))
        self.pending = pending
        self.callsMax = callsMax
        self.limits = limits
        idleMax = max(callsMax * 2, 512)
    }

    /// From now on `pump` is called when lines may have become startable, `read` when more lines are wanted.
    func attach(pump: @escaping @Sendable () -> Void, read: @escaping @Sendable () -> Void) {
        errands.withLock { $0 = Errands(pump: pump, read: read) }
    }

    /// Calls in flight.
    var inFlight: Int { state.withLock { $0.queue.inFlight } }
    /// Calls made.
    var callCount: Int { state.withLock { $0.callCount } }
    /// Why a call failed last; empty when none did.
    var lastError: String { state.withLock { $0.lastError } }

    // MARK: What the reader does

    /// Whether the reader shall go on; it is told again when that changes to true.
    func mayRead() -> Bool {
        state.withLock { state in
            let mayRead = wantsLines(state)
            state.isReading = mayRead
            return mayRead
        }
    }

    /// Takes in lines; those that nobody can take are returned.
    func add(
        _ items: [RequestItem], nextOrdinal: Int, isLast: Bool, route: (RequestItem) -> Route?
    ) -> [RequestItem] {
        let refused = state.withLock { state in
            state.nextOrdinal = nextOrdinal
            state.hasReadAll = isLast
            return items.filter { item in !state.queue.add(item) { route(item) } }
        }
        pump()
        return refused
    }

    /// The reader begins; call once.
    func start() { if state.withLock({ claimReading(&$0) }) { read() } }

    /// So many results are in their files, and perhaps more in the journal.
    func note(written: Int) {
        let reads = state.withLock { state in
            state.written = written
            return claimReading(&state)
        }
        if reads { read() }
        pump()
    }

    // MARK: What the pump does

    /// The next line that may start now; nil when there is none.
    func next() -> OpenCall? {
        let (call, reads, wakes) = state.withLock { state in start(&state, at: .now) }
        if reads { read() }
        if wakes { clockWake.wake() }
        return call
    }

    /// A call ended; returns the line that takes its place.
    func finish(_ call: OpenCall, _ result: AttemptResult) -> OpenCall? {
        let now = ContinuousClock.now
        let (next, reads, wakes, isIdle) = state.withLock { state in
            let wakes = end(&state, call, result, at: now)
            let (next, reads, looks) = start(&state, at: now)
            return (next, reads, wakes || looks, state.isQuiet && state.queue.inFlight == 0)
        }
        if reads { read() }
        if wakes { clockWake.wake() }
        if isIdle { idle.raise() }
        return next
    }

    // MARK: What the clock and the runner do

    /// Moves on with time; returns when to come again.
    func tick(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let due = state.withLock { state in
            let retry = state.queue.tick(at: now)
            let opening = state.queue.ready > 0 ? state.queue.opensAt(now) : nil
            state.clockDue = [retry, opening].compactMap { $0 }.min()
            return state.clockDue
        }
        pump()
        return due
    }

    /// Starts no more calls.
    func quiet() {
        let isIdle = state.withLock { state in
            state.isQuiet = true
            return state.queue.inFlight == 0
        }
        if isIdle { idle.raise() }
    }

    /// Ends the calls in flight.
    func abort() {
        let calls = state.withLock { $0.calls.compactMap { $0 } }
        for call in calls { call.abort() }
    }

    private func pump() { errands.withLock { $0 }?.pump() }

    private func read() { errands.withLock { $0 }?.read() }
}

extension RunDesk {
    private func wantsLines(_ state: State) -> Bool {
        !state.hasReadAll && !state.isQuiet && state.queue.idle < idleMax
            && state.queue.heldBytes < limits.heldBytesMax && pending.count < limits.pendingBytesMax
            && state.nextOrdinal - state.written < limits.aheadMax
    }

    /// Whether the reader has to be called, and is from now on at work.
    private func claimReading(_ state: inout State) -> Bool {
        guard !state.isReading, wantsLines(state) else { return false }
        state.isReading = true
        return true
    }

    private func start(
        _ state: inout State, at now: ContinuousClock.Instant
    ) -> (call: OpenCall?, reads: Bool, wakes: Bool) {
        guard !state.isQuiet, state.queue.inFlight < callsMax, pending.count < limits.pendingBytesMax,
            let started = state.queue.take(at: now)
        else { return (nil, claimReading(&state), looksLater(&state, at: now)) }
        let handle = CallHandle()
        let number = state.free.popLast() ?? state.calls.endIndex
        if number == state.calls.endIndex { state.calls.append(nil) }
        state.calls[number] = handle
        let reads = state.queue.idle < idleMax / 2 && claimReading(&state)
        return (OpenCall(number: number, started: started, handle: handle), reads, false)
    }

    /// Whether the clock must be told that time alone will let a line start.
    private func looksLater(_ state: inout State, at now: ContinuousClock.Instant) -> Bool {
        guard state.queue.ready > 0, !state.isQuiet, now >= state.nextLook else { return false }
        state.nextLook = now + Self.lookEvery
        guard let due = state.queue.opensAt(now), state.clockDue.map({ due < $0 }) ?? true else { return false }
        state.clockDue = due
        return true
    }

    /// Whether the clock must be woken.
    private func end(
        _ state: inout State, _ call: OpenCall, _ result: AttemptResult, at now: ContinuousClock.Instant
    ) -> Bool {
        state.calls[call.number] = nil
        state.free.append(call.number)
        var line = call.started.line
        if case .again(let order) = result, !order.isTry {
            line.upload = order.upload
            guard order.after > .zero else {
                state.queue.putBack(line)
                return false
            }
            state.queue.postpone(line, until: now + order.after)
            return state.clockDue.map { now + order.after < $0 } ?? true
        }
        state.callCount += 1
        line.upload = nil
        switch result {
        case .finished:
            state.queue.finish(line)
            return false
        case .again(let order):
            line.attempt += 1
            if !order.isCounted { line.uncounted += 1 }
            line.lastError = order.because
            state.lastError = order.because
            state.queue.postpone(line, until: now + order.after)
            return state.clockDue.map { now + order.after < $0 } ?? true
        case .windowOver, .aborted:
            // Only at the end of a run: nothing starts any more.
            state.queue.postpone(line, until: now)
            return true
        }
    }
}
