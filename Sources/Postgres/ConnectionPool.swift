// SPDX-License-Identifier: Apache-2.0
package import Logging
import Synchronization

/// A bounded set of connections, each on a thread of its own.
///
/// The closures given to `run` and `transaction` are synchronous and run on such a thread: a transaction never holds a
/// row lock across an await, and no blocking call ever sits on Swift's cooperative threads.
package final class ConnectionPool: Sendable {
    private let configuration: PoolConfiguration
    private let setup: Result<PoolThreads, PostgresError>
    private let logger: Logger
    private let nextID = Atomic<UInt64>(0)

    /// A pool that connects when first used. A URL that cannot be parsed is reported by the first call.
    package init(_ configuration: PoolConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        do {
            let connector = try Connector(configuration, logger: logger)
            setup = .success(PoolThreads(configuration, connector: connector, logger: logger))
        } catch let error as PostgresError {
            setup = .failure(error)
        } catch {
            setup = .failure(PostgresError(code: .invalidConfiguration, message: "\(error)"))
        }
    }

    deinit {
        if case .success(let threads) = setup { threads.abandon() }
    }

    /// What the pool does at this moment, for metrics.
    package var status: PoolStatus {
        guard case .success(let threads) = setup else { return PoolStatus(threads: 0, busy: 0, waiting: 0) }
        return threads.status
    }

    /// Runs `body` on one connection, each statement committed by itself. With `retryingConnectionLoss` the whole
    /// body is
    /// run again on a new connection until `acquireTimeout` is over, so it must be harmless to repeat.
    /// Throws what `body` throws, `PostgresError`, or `CancellationError` when the task was cancelled.
    @discardableResult
    package func run<T: Sendable>(
        retryingConnectionLoss: Bool = false, _ body: @escaping @Sendable (Session) throws -> T
    ) async throws -> T {
        let deadline = ContinuousClock.now + configuration.acquireTimeout
        var backoff = Backoff(first: .milliseconds(50), limit: .seconds(2))
        while true {
            do {
                return try await submit(until: deadline) { slot, control in try slot.run(control, body) }
            } catch let error as PostgresError where retryingConnectionLoss && Self.mayReconnect(after: error) {
                let pause = backoff.next()
                guard ContinuousClock.now + pause < deadline else { throw error }
                try await Task.sleep(for: pause)
            }
        }
    }

    /// Runs `body` between BEGIN and COMMIT (READ COMMITTED), ROLLBACK when it throws. Conflicts (40001, 40P01)
    /// rerun it
    /// from its start, at most `transactionAttemptsMax` times, so it must not change anything outside the database.
    /// When the connection breaks during COMMIT the error says `commitUnknown`.
    @discardableResult
    package func transaction<T: Sendable>(_ body: @escaping @Sendable (Session) throws -> T) async throws -> T {
        var backoff = Backoff(first: .milliseconds(5), limit: .milliseconds(500))
        var attempt = 1
        while true {
            let deadline = ContinuousClock.now + configuration.acquireTimeout
            do {
                return try await submit(until: deadline) { slot, control in try slot.transaction(control, body) }
            } catch let conflict as TransactionConflict {
                if attempt >= configuration.transactionAttemptsMax { throw conflict.cause }
                attempt += 1
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    /// Waits for running closures, closes the connections and ends the threads. Waiting calls fail with `poolClosed`.
    package func close() async {
        guard case .success(let threads) = setup else { return }
        threads.beginClosing()
        await threads.finishClosing()
    }

    private static func mayReconnect(after error: PostgresError) -> Bool {
        error.isConnectionLost || error.code == .readOnlyTransaction
    }

    private func submit<T: Sendable>(
        until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable (ConnectionSlot, RunControl) throws -> T
    ) async throws -> T {
        let threads = try setup.get()
        try Task.checkCancellation()
        let control = RunControl()
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let timer = Mutex<Task<Void, Never>?>(nil)
        defer { timer.withLock { $0?.cancel() } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
                let call = PoolCall(
                    id: id,
                    perform: { slot in
                        let result = Result { try work(slot, control) }
                        return { continuation.resume(with: result) }
                    },
                    fail: { error in
                        control.finish()
                        continuation.resume(throwing: error)
                    })
                let mustWait = threads.submit(call)
                // A task cancelled before its call was in the queue is withdrawn here.
                if control.isCancelled { threads.withdraw(id, because: CancellationError()) }
                if mustWait { timer.withLock { $0 = expire(id, threads, at: deadline) } }
            }
        } onCancel: {
            let isUnderWay = control.cancel()
            let wasWaiting = threads.withdraw(id, because: CancellationError())
            if isUnderWay, !wasWaiting { interrupt(control) }
        }
    }

    private func expire(_ id: UInt64, _ threads: PoolThreads, at deadline: ContinuousClock.Instant) -> Task<Void, Never>
    {
        let configuration = configuration
        return Task {
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            threads.withdraw(
                id,
                because: PostgresError(
                    code: .acquireTimedOut,
                    message: "no database connection became free within \(configuration.acquireTimeout)",
                    hint: "all \(configuration.connectionsMax) connections are busy: raise connectionsMax"))
        }
    }

    private func interrupt(_ control: RunControl) {
        do {
            try OwnThread { control.interrupt() }.detach()
        } catch {
            // The statement runs on until statement_timeout; the flag still stops the next one.
            logger.warning("cannot cancel a statement", metadata: ["error": "\(error)"])
        }
    }
}
