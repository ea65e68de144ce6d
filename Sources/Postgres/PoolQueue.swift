// SPDX-License-Identifier: Apache-2.0

/// Calls waiting for a connection's thread, first come first served, and the count of threads. No I/O, no lock: the
/// pool
/// keeps it in a `Monitor`.
struct PoolQueue {
    /// What `add` wants its caller to do.
    enum Admission: Equatable {
        /// A thread is free and will take the call.
        case taken
        /// All connections are busy: start the clock of `acquireTimeout`.
        case waiting
        /// A thread has to be started first; the call is in the queue.
        case startThread
        /// The queue is full; the call was not added.
        case full
        /// The pool is closed; the call was not added.
        case closed
    }

    private let threadsMax: Int
    private let waitersMax: Int
    private var waiting: [UInt64: PoolCall] = [:]
    private var order: [UInt64] = []
    private var head = 0
    private var idle = 0
    /// Threads that exist.
    private(set) var threads = 0
    /// Threads that run a call.
    private(set) var busy = 0
    /// Set by `close` for good.
    private(set) var isClosed = false
    /// Called when the last thread has gone.
    private var onEmpty: [@Sendable () -> Void] = []

    /// An open queue without threads.
    init(threadsMax: Int, waitersMax: Int) {
        self.threadsMax = max(1, threadsMax)
        self.waitersMax = max(1, waitersMax)
    }

    /// Calls in the queue.
    var waitingCount: Int { waiting.count }

    /// Puts a call at the end.
    mutating func add(_ call: PoolCall) -> Admission {
        if isClosed { return .closed }
        if waiting.count >= waitersMax { return .full }
        waiting[call.id] = call
        order.append(call.id)
        if idle >= waiting.count { return .taken }
        if threads < threadsMax {
            threads += 1
            return .startThread
        }
        return .waiting
    }

    /// Takes a call out before a thread got it; nil when it was too late.
    mutating func remove(_ id: UInt64) -> PoolCall? { waiting.removeValue(forKey: id) }

    /// For a thread: the next call, counted as busy.
    mutating func next() -> PoolCall? {
        while head < order.count {
            let id = order[head]
            head += 1
            if head > 64, head * 2 > order.count {
                order.removeFirst(head)
                head = 0
            }
            if let call = waiting.removeValue(forKey: id) {
                busy += 1
                return call
            }
        }
        return nil
    }

    /// For a thread: its call is over.
    mutating func done() { busy -= 1 }

    /// For a thread: begins or ends waiting for work.
    mutating func setIdle(_ isIdle: Bool) { idle += isIdle ? 1 : -1 }

    /// Refuses everything from now on; returns the calls nobody will take.
    mutating func close() -> [PoolCall] {
        isClosed = true
        defer { waiting.removeAll() }
        return Array(waiting.values)
    }

    /// A thread has ended or could not be started; returns who waits for the last one.
    mutating func threadEnded() -> [@Sendable () -> Void] {
        threads -= 1
        guard threads == 0 else { return [] }
        defer { onEmpty = [] }
        return onEmpty
    }

    /// Remembers `body` until the last thread has gone; false when there is none, and `body` is not kept.
    mutating func whenEmpty(_ body: @escaping @Sendable () -> Void) -> Bool {
        if threads == 0 { return false }
        onEmpty.append(body)
        return true
    }
}

/// One call of `run` or `transaction` on its way to a thread. Exactly one of `perform` and `fail` is called, once.
struct PoolCall: Sendable {
    /// Unique in the pool.
    let id: UInt64
    /// Does the work on a thread's connection; the returned closure hands the result to the waiting task.
    let perform: @Sendable (ConnectionSlot) -> @Sendable () -> Void
    /// Ends the call without a connection.
    let fail: @Sendable (any Error) -> Void
}
