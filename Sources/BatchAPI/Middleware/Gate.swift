// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets a limited number in at once; others wait in order, for a limited time, in a limited queue.
final class Gate: Sendable {
    private struct State {
        var inside = 0
        var nextTicket: UInt64 = 0
        var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let limit: Int
    private let waitersMax: Int
    private let state = Mutex(State())

    /// A gate for `limit` at once, with at most `waitersMax` waiting.
    init(limit: Int, waitersMax: Int) {
        self.limit = limit
        self.waitersMax = waitersMax
    }

    /// How many are inside and how many wait.
    var load: (inside: Int, waiting: Int) {
        state.withLock { ($0.inside, $0.waiting.count) }
    }

    /// Waits for a place; false when there was none in time, the queue is full or the task was cancelled.
    /// Whoever gets true calls ``leave()`` once.
    func enter(waitingAtMost limit: Duration) async -> Bool {
        let decision: (isInside: Bool, ticket: UInt64)? = state.withLock { state in
            if state.inside < self.limit {
                state.inside += 1
                return (true, 0)
            }
            guard state.waiting.count < waitersMax else { return nil }
            state.nextTicket += 1
            return (false, state.nextTicket)
        }
        guard let decision else { return false }
        if decision.isInside { return true }
        return await wait(decision.ticket, atMost: limit)
    }

    /// Gives the place to the one who has waited longest.
    func leave() {
        let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.inside -= 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }

    private func wait(_ ticket: UInt64, atMost limit: Duration) async -> Bool {
        let timer = Task {
            try await Task.sleep(for: limit)
            self.abandon(ticket)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enum Next { case wait, enter, refuse }
                let next: Next = state.withLock { state in
                    // The cancellation handler may have run before there was anything to abandon.
                    if Task.isCancelled { return .refuse }
                    // A place may have become free between asking for one and waiting for it.
                    if state.inside < self.limit {
                        state.inside += 1
                        return .enter
                    }
                    state.waiting.append((ticket, continuation))
                    return .wait
                }
                switch next {
                case .wait: break
                case .enter: continuation.resume(returning: true)
                case .refuse: continuation.resume(returning: false)
                }
            }
        } onCancel: {
            abandon(ticket)
        }
    }

    private func abandon(_ ticket: UInt64) {
        let given: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                return nil
            }
            return state.waiting.remove(at: index).continuation
        }
        given?.resume(returning: false)
    }
}
