// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Logging
import Loops
import Postgres
import Synchronization

/// Rings for those who wait for events of their project. What rings is a hint: who wakes looks at the stream again.
final class EventBell: Sendable {
    private struct State {
        var waiters: [ProjectID: [UInt64: WakeSignal]] = [:]
        var count = 0
        var nextNumber: UInt64 = 0
        var isClosed = false
    }

    /// Somebody who waits, from registration to ``EventBell/leave(_:)``.
    struct Waiter: Sendable {
        /// Whose events.
        let project: ProjectID
        /// What rings.
        let signal: WakeSignal
        fileprivate let number: UInt64
    }

    private let consumersMax: Int
    private let consumersPerProjectMax: Int
    private let state = Mutex(State())

    /// A bell for so many at once, in all and of one project.
    init(consumersMax: Int, consumersPerProjectMax: Int) {
        self.consumersMax = consumersMax
        self.consumersPerProjectMax = consumersPerProjectMax
    }

    /// Whether the server is stopping: nobody should wait any more.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// How many are registered.
    var count: Int { state.withLock { $0.count } }

    /// Registers somebody who will wait.
    ///
    /// - Throws: a 429 ``BatchCore/BatchError`` when too many wait already.
    func enter(_ project: ProjectID) throws -> Waiter {
        try state.withLock { state in
            guard state.count < consumersMax, state.waiters[project]?.count ?? 0 < consumersPerProjectMax else {
                throw BatchError(
                    status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
                    message: "Too many consumers wait for events at once; at most \(consumersPerProjectMax) of one "
                        + "project may.", retryAfterSeconds: 5)
            }
            state.nextNumber += 1
            let waiter = Waiter(project: project, signal: WakeSignal(), number: state.nextNumber)
            state.waiters[project, default: [:]][waiter.number] = waiter.signal
            state.count += 1
            if state.isClosed { waiter.signal.wake() }
            return waiter
        }
    }

    /// Takes back a registration; exactly once.
    func leave(_ waiter: Waiter) {
        state.withLock { state in
            guard state.waiters[waiter.project]?.removeValue(forKey: waiter.number) != nil else { return }
            state.count -= 1
            if state.waiters[waiter.project]?.isEmpty == true { state.waiters[waiter.project] = nil }
        }
    }

    /// Rings for a project, or for all of them.
    func ring(_ project: ProjectID?) {
        let signals = state.withLock { state in
            if let project { return Array((state.waiters[project] ?? [:]).values) }
            return state.waiters.values.flatMap(\.values)
        }
        for signal in signals { signal.wake() }
    }

    /// Rings for all, for the last time.
    func close() {
        state.withLock { $0.isClosed = true }
        ring(nil)
    }

    /// Rings as the database says, until the task is cancelled.
    func listen(to store: Store, logger: Logger) async throws {
        let listener = try store.listener(channels: [Signals.published], logger: logger)
        for await notification in listener.notifications {
            let isForAll = notification.isReconnect || notification.payload.isEmpty
            ring(isForAll ? nil : ProjectID(rawValue: notification.payload))
        }
        await listener.close()
    }
}
