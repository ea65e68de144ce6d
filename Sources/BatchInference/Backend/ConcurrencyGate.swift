// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Counts calls in flight and lets no more than a fixed number in; never waits.
package final class ConcurrencyGate: Sendable {
    /// Most calls inside at once.
    package let limit: Int
    private let inside = Atomic<Int>(0)

    /// A gate for `limit` calls, at least one.
    package init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// How many are inside at this moment.
    package var count: Int { inside.load(ordering: .relaxed) }

    /// Whether one more would be let in at this moment.
    package var hasRoom: Bool { count < limit }

    /// Lets one in; false when it is full. Whoever was let in leaves exactly once.
    package func enter() -> Bool {
        var current = inside.load(ordering: .relaxed)
        while current < limit {
            let (exchanged, original) = inside.weakCompareExchange(
                expected: current, desired: current + 1, ordering: .acquiringAndReleasing)
            if exchanged { return true }
            current = original
        }
        return false
    }

    /// One leaves.
    package func leave() {
        inside.subtract(1, ordering: .acquiringAndReleasing)
    }
}
