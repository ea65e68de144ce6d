// SPDX-License-Identifier: Apache-2.0
import Curl
import Synchronization

/// One call that may be aborted from anywhere: before it starts, while it runs, or in vain after it has ended.
///
/// A handle belongs to one call for ever, so that an abort that comes late never hits the next one.
package final class CallHandle: Sendable {
    private enum State: Sendable {
        case idle
        case running(RunningRequest)
        case aborted
    }

    private let state = Mutex(State.idle)

    /// A call that has not started.
    package init() {}

    /// Ends the call as soon as possible; it then comes back as ``AttemptResult/aborted``.
    package func abort() {
        let running = state.withLock { state -> RunningRequest? in
            defer { state = .aborted }
            if case .running(let request) = state { return request }
            return nil
        }
        running?.abort()
    }

    /// Whether the call was aborted before it could start.
    package var isAborted: Bool {
        state.withLock { if case .aborted = $0 { true } else { false } }
    }

    /// The call has become this request.
    func attach(_ request: RunningRequest) {
        let isLate = state.withLock { state in
            if case .aborted = state { return true }
            state = .running(request)
            return false
        }
        if isLate { request.abort() }
    }
}
