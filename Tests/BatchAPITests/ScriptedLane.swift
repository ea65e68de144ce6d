// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import Dispatch
import Synchronization

/// A live lane that does what a test says: it shows what it was asked, and answers when it is told to.
final class ScriptedLane: LiveAnswering {
    /// What happened, in order.
    enum Event: Equatable {
        case asked
        case cancelled
    }

    private struct State {
        var requests: [LiveRequest] = []
        var events: [Event] = []
        var waiting: [Int: CheckedContinuation<LiveAnswer, any Error>] = [:]
        var watchers: [(count: Int, signal: AsyncStream<Void>.Continuation)] = []
    }

    private let state = Mutex(State())
    private let script: (@Sendable (LiveRequest) throws -> LiveAnswer)?

    /// A lane that answers by `script`, or holds every request until ``release(_:_:)``.
    init(_ script: (@Sendable (LiveRequest) throws -> LiveAnswer)? = nil) {
        self.script = script
    }

    /// What was asked for so far.
    var requests: [LiveRequest] { state.withLock { $0.requests } }

    /// What happened so far.
    var events: [Event] { state.withLock { $0.events } }

    func answer(_ request: LiveRequest) async throws -> LiveAnswer {
        let number = note(.asked, request)
        if let script { return try script(request) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            note(.cancelled, nil)
            let waiting = state.withLock { $0.waiting.removeValue(forKey: number) }
            waiting?.resume(throwing: CancellationError())
        }
    }

    /// Ends the wait of the request of that number, from 0.
    func release(_ number: Int, _ result: Result<LiveAnswer, any Error>) {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: number) }
        waiting?.resume(with: result)
    }

    /// Waits until `count` events have happened; false when they have not within 20 s.
    func waitForEvents(_ count: Int) async -> Bool {
        let (reached, signal) = AsyncStream.makeStream(of: Void.self)
        state.withLock { state in
            if state.events.count >= count { signal.yield() }
            state.watchers.append((count, signal))
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + 20) { signal.finish() }
        return await reached.first { _ in true } != nil
    }

    @discardableResult
    private func note(_ event: Event, _ request: LiveRequest?) -> Int {
        state.withLock { state in
            let number = state.requests.count
            if let request { state.requests.append(request) }
            state.events.append(event)
            for watcher in state.watchers where watcher.count <= state.events.count { watcher.signal.yield() }
            return number
        }
    }
}

extension LiveAnswer {
    /// A success with that JSON.
    static func success(_ json: String = #"{"id":"chatcmpl-1","object":"chat.completion"}"#) -> LiveAnswer {
        LiveAnswer(status: 200, body: Array(json.utf8), requestID: nil)
    }
}
