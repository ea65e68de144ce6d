// SPDX-License-Identifier: Apache-2.0

/// Lines that wait for the time of their next try, the earliest first: a binary heap.
struct WaitingLines: Sendable {
    private var entries: [(due: ContinuousClock.Instant, line: RunLine)] = []

    /// None waits.
    init() {}

    /// How many wait.
    var count: Int { entries.count }

    /// When the first is due; nil when none waits.
    var firstDue: ContinuousClock.Instant? { entries.first?.due }

    /// Adds a line. O(log n).
    mutating func insert(_ line: RunLine, due: ContinuousClock.Instant) {
        entries.append((due, line))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first line if it is due at `now`. O(log n).
    mutating func popDue(at now: ContinuousClock.Instant) -> RunLine? {
        guard let first = entries.first, first.due <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        sink()
        return first.line
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].due < entries[least].due {
                least = child
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
