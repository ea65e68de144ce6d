// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What was found in the database a moment ago and is trusted for a few seconds without asking again. What was not
/// found is never remembered.
final class TrustedEntries<Name: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        let trustedUntil: ContinuousClock.Instant
    }

    private let trust: Duration
    private let entriesMax: Int
    private let entries = Mutex<[Name: Entry]>([:])

    /// Trusts each entry for `trust` and remembers at most `entriesMax`.
    init(trust: Duration, entriesMax: Int) {
        self.trust = trust
        self.entriesMax = entriesMax
    }

    /// The value of a name: the remembered one, or what `find` gives.
    func value(of name: Name, find: () async throws -> Value?) async throws -> Value? {
        let now = ContinuousClock.now
        if let entry = entries.withLock({ $0[name] }), entry.trustedUntil > now { return entry.value }
        guard let value = try await find() else {
            entries.withLock { $0[name] = nil }
            return nil
        }
        entries.withLock { entries in
            if entries.count >= entriesMax {
                entries = entries.filter { $0.value.trustedUntil > now }
                if entries.count >= entriesMax { entries.removeAll(keepingCapacity: true) }
            }
            entries[name] = Entry(value: value, trustedUntil: now + trust)
        }
        return value
    }
}
