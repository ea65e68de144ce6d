// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Wakes whoever waits; wakes that nobody waits for collapse into one, which the next waiter takes at once.
///
/// A wake is a hint and carries nothing: who is woken looks at the truth again.
package final class WakeSignal: Sendable {
    private enum Waiter {
        case arriving
        case waiting(CheckedContinuation<Void, Never>)
        case released
    }

    private struct State {
        var isPending = false
        var nextNumber: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
    }

    private let state = Mutex(State())

    /// A signal that nobody has woken yet.
    package init() {}

    /// Releases every waiter, or the next one if there is none. Cheap, never blocks, callable from any thread.
    package func wake() {
        let released = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard !state.waiters.isEmpty else {
                state.isPending = true
                return []
            }
            return state.waiters.keys.compactMap { Self.release($0, in: &state) }
        }
        released.forEach { $0.resume() }
    }

    /// Returns at a wake, after `limit`, or when the task is cancelled, whichever comes first.
    package func wait(upTo limit: Duration) async {
        guard let number = enter() else { return }
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Cancelled as soon as the wake comes: then nothing is left to release.
                    try? await Task.sleep(for: limit)
                    self.release(number)
                }
                await withCheckedContinuation { self.park($0, as: number) }
                group.cancelAll()
            }
        } onCancel: {
            release(number)
        }
        _ = state.withLock { $0.waiters.removeValue(forKey: number) }
    }

    /// A number for a new waiter; nil when a pending wake is taken instead.
    private func enter() -> UInt64? {
        state.withLock { state in
            if state.isPending {
                state.isPending = false
                return nil
            }
            state.nextNumber += 1
            state.waiters[state.nextNumber] = .arriving
            return state.nextNumber
        }
    }

    private func park(_ continuation: CheckedContinuation<Void, Never>, as number: UInt64) {
        let isReleased = state.withLock { state in
            if case .released = state.waiters[number] { return true }
            state.waiters[number] = .waiting(continuation)
            return false
        }
        if isReleased { continuation.resume() }
    }

    private func release(_ number: UInt64) {
        state.withLock { Self.release(number, in: &$0) }?.resume()
    }

    private static func release(_ number: UInt64, in state: inout State) -> CheckedContinuation<Void, Never>? {
        switch state.waiters[number] {
        case .arriving:
            state.waiters[number] = .released
            return nil
        case .waiting(let continuation):
            state.waiters[number] = .released
            return continuation
        case .released, nil:
            return nil
        }
    }
}
