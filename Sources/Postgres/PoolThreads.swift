// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// The pool's threads and their shared queue. Owned by `ConnectionPool`; the threads keep it alive until they end.
final class PoolThreads: Sendable {
    private let queue: Monitor<PoolQueue>
    private let threads = Mutex<[OwnThread]>([])
    private let connector: Connector
    private let logger: Logger

    /// No thread is started before it is needed.
    init(_ configuration: PoolConfiguration, connector: Connector, logger: Logger) {
        queue = Monitor(
            PoolQueue(threadsMax: configuration.connectionsMax, waitersMax: configuration.waitersMax))
        self.connector = connector
        self.logger = logger
    }

    /// What the pool does at this moment.
    var status: PoolStatus {
        queue.withLock { PoolStatus(threads: $0.threads, busy: $0.busy, waiting: $0.waitingCount) }
    }

    /// Hands a call to a thread, or fails it. True when it has to wait for a busy one.
    func submit(_ call: PoolCall) -> Bool {
        switch queue.withLock({ $0.add(call) }) {
        case .taken: queue.wakeOne()
        case .waiting: return true
        case .startThread: return !startThread()
        case .full:
            call.fail(
                PostgresError(
                    code: .acquireTimedOut, message: "too many calls wait for a database connection",
                    hint: "raise connectionsMax or waitersMax, or shed load earlier"))
        case .closed: call.fail(PostgresError(code: .poolClosed, message: "the connection pool is closed"))
        }
        return false
    }

    /// Fails a call that no thread has taken yet; false when it is not in the queue.
    @discardableResult
    func withdraw(_ id: UInt64, because error: any Error) -> Bool {
        guard let call = queue.withLock({ $0.remove(id) }) else { return false }
        call.fail(error)
        return true
    }

    /// Refuses new calls and lets the threads end after their present one.
    func beginClosing() {
        let refused = queue.withLock { $0.close() }
        queue.wakeAll()
        for call in refused {
            call.fail(
                PostgresError(code: .poolClosed, message: "the connection pool was closed while this call waited"))
        }
    }

    /// Waits until all threads have ended.
    func finishClosing() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            if !queue.withLock({ $0.whenEmpty { continuation.resume() } }) { continuation.resume() }
        }
        // The threads have said good-bye: each join returns within microseconds.
        for thread in takeThreads() { thread.join() }
    }

    /// Lets the threads end by themselves, for a pool that is dropped without `close`.
    func abandon() {
        beginClosing()
        for thread in takeThreads() { thread.detach() }
    }

    private func takeThreads() -> [OwnThread] {
        threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
    }

    private func startThread() -> Bool {
        do {
            // Under the lock, so that a thread that ends at once is already in the list.
            try threads.withLock { threads in threads.append(try OwnThread { self.work() }) }
            return true
        } catch {
            logger.error("cannot start a thread", metadata: ["error": "\(error)"])
            let (waiters, stranded) = queue.withLock { queue -> ([@Sendable () -> Void], PoolCall?) in
                let waiters = queue.threadEnded()
                guard queue.threads == 0, let call = queue.next() else { return (waiters, nil) }
                queue.done()
                return (waiters, call)
            }
            stranded?.fail(error)
            for waiter in waiters { waiter() }
            return false
        }
    }

    private func work() {
        let slot = ConnectionSlot(connector, logger: logger)
        while let call = nextCall() {
            let handOver = call.perform(slot)
            queue.withLock { $0.done() }
            handOver()
        }
        slot.close()
        for waiter in queue.withLock({ $0.threadEnded() }) { waiter() }
    }

    private func nextCall() -> PoolCall? {
        if let call = queue.withLock({ $0.next() }) { return call }
        queue.withLock { $0.setIdle(true) }
        let end: ThreadStep = queue.wait { queue in
            let call = queue.next()
            guard call != nil || queue.isClosed else { return nil }
            // Under the same lock that took the call, or a submitter would count on a thread that is busy already.
            queue.setIdle(false)
            return ThreadStep(call: call)
        }
        return end.call
    }
}

/// What an idle thread does next: a call, or nothing more.
private struct ThreadStep {
    let call: PoolCall?
}

/// What a pool does at one moment.
package struct PoolStatus: Sendable, Equatable {
    /// Threads, each with at most one connection; never more than `connectionsMax`.
    package let threads: Int
    /// Threads that run a closure.
    package let busy: Int
    /// Calls that wait for a thread.
    package let waiting: Int

    /// For the pool and for tests.
    package init(threads: Int, busy: Int, waiting: Int) {
        self.threads = threads
        self.busy = busy
        self.waiting = waiting
    }
}
