// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What was found in the database a moment ago and is trusted for a few seconds without asking again. What was not
/// found is never remembered.
final class TrustedEntries<Name: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        let trustedUntil: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Name: Entry] = [:]
        /// Look-ups under way, which whoever asks for the same meanwhile waits for.
        var pending: [Name: Task<Value?, any Error>] = [:]
    }

    private let trust: Duration
    private let entriesMax: Int
    private let state = Mutex(State())

    /// Trusts each entry for `trust` and remembers at most `entriesMax`.
    init(trust: Duration, entriesMax: Int) {
        self.trust = trust
        self.entriesMax = entriesMax
    }

    /// The value of a name: the remembered one, or what `find` gives. Of many who ask at once one has it looked up, so
    /// that ten thousand requests with one key are one question to the database.
    func value(of name: Name, find: @escaping @Sendable () async throws -> Value?) async throws -> Value? {
        guard trust > .zero else { return try await find() }
        let now = ContinuousClock.now
        let found: (value: Value?, lookUp: Task<Value?, any Error>?) = state.withLock { state in
            if let entry = state.entries[name], entry.trustedUntil > now { return (entry.value, nil) }
            if let pending = state.pending[name] { return (nil, pending) }
            let lookUp = Task { try await self.lookUp(name, asOf: now, find) }
            state.pending[name] = lookUp
            return (nil, lookUp)
        }
        guard let lookUp = found.lookUp else { return found.value }
        return try await lookUp.value
    }

    private func lookUp(
        _ name: Name, asOf now: ContinuousClock.Instant, _ find: @Sendable () async throws -> Value?
    ) async throws -> Value? {
        let result: Result<Value?, any Error>
        do {
            result = .success(try await find())
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.pending[name] = nil
            guard case .success(let value) = result else { return }
            state.entries[name] = nil
            guard let value else { return }
            if state.entries.count >= entriesMax {
                state.entries = state.entries.filter { $0.value.trustedUntil > now }
                if state.entries.count >= entriesMax { state.entries.removeAll(keepingCapacity: true) }
            }
            state.entries[name] = Entry(value: value, trustedUntil: now + trust)
        }
        return try result.get()
    }
}
