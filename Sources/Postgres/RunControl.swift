// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Glibc

/// Cancellation of one call of `run` or `transaction`.
///
/// The connection's thread announces here what can be cancelled; the cancelled task's handler asks for it. A cancel
/// request never reaches a statement of another call, because the handle is taken away under the same lock.
final class RunControl: Sendable {
    private struct State {
        var isCancelled = false
        var isFinished = false
        var handle: OpaquePointer?
    }

    private let state = Monitor(State())

    /// How long the server gets to react before the request is repeated: a request that arrives between two
    /// statements is ignored by the server.
    private static let repeatMicroseconds: UInt32 = 200_000

    /// Whether the task was cancelled.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Throws `CancellationError` once the task was cancelled; called before each statement.
    func check() throws {
        if isCancelled { throw CancellationError() }
    }

    /// From now on `handle` (a PGcancel) stops the call's statements; nil while nothing may be stopped.
    func expose(_ handle: OpaquePointer?) {
        state.withLock { $0.handle = handle }
    }

    /// Withdraws the handle so that nothing interrupts COMMIT; throws when the task was cancelled before.
    func shield() throws {
        try state.withLock { state in
            if state.isCancelled { throw CancellationError() }
            state.handle = nil
        }
    }

    /// The call is over: no request will be sent any more.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.handle = nil
        }
    }

    /// Marks the call as cancelled; true when it has not ended yet and `interrupt` is worth calling.
    func cancel() -> Bool {
        state.withLock { state in
            state.isCancelled = true
            return !state.isFinished
        }
    }

    /// Sends cancel requests until the call has ended. Blocks: for a thread of its own.
    func interrupt() {
        while sendRequest() { usleep(Self.repeatMicroseconds) }
    }

    private func sendRequest() -> Bool {
        state.withLock { state in
            if state.isFinished { return false }
            if let handle = state.handle { Connection.sendCancel(handle) }
            return true
        }
    }
}
