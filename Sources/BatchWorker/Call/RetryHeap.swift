// SPDX-License-Identifier: Apache-2.0

/// Lines that wait for the time of their next try, the earliest first.
struct RetryHeap: Sendable {
    /// A line, and when it may be tried again.
    struct Entry: Sendable {
        /// When.
        var due: ContinuousClock.Instant
        /// The shard's serial.
        var serial: Int
        /// Which line, and the number of the coming try.
        var line: StartableLine
    }

    private var entries: [Entry] = []

    /// How many wait.
    var count: Int { entries.count }

    /// When the first is due; nil when none waits.
    var firstDue: ContinuousClock.Instant? { entries.first?.due }

    /// Adds a line. O(log n).
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first line if it is due at `now`. O(log n).
    mutating func popDue(at now: ContinuousClock.Instant) -> Entry? {
        guard let first = entries.first, first.due <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        sink(0)
        return first
    }

    /// Forgets every line of a shard. O(n): for shards that are closed or lost.
    mutating func removeAll(serial: Int) {
        entries.removeAll { $0.serial == serial }
        for parent in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(parent) }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
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
