// SPDX-License-Identifier: Apache-2.0

/// What has to happen at some time, earliest first: a binary heap.
struct DueQueue: Sendable {
    /// Something to do.
    struct Entry: Hashable, Sendable {
        /// Nanoseconds of the monotonic clock.
        var due: Int64
        /// The connection it is for.
        var socket: Int32
        /// Which of the connections that this descriptor has stood for.
        var generation: UInt64
    }

    private var heap: [Entry] = []

    /// When the first entry is due; nil when there is none.
    var first: Int64? { heap.first?.due }

    /// Puts an entry in.
    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first entry out when it is due at `now`.
    mutating func pop(at now: Int64) -> Entry? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].due < heap[least].due { least = child }
            }
            guard least != parent else { return first }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
