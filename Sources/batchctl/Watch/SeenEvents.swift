// SPDX-License-Identifier: Apache-2.0

/// The ids of the last events that were printed, so that none is printed twice whatever a server sends.
struct SeenEvents {
    /// How many are remembered: a hundred full pages.
    static let countMax = 100_000

    private let countMax: Int
    private var ids: Set<String> = []
    private var ring: [String] = []
    private var oldest = 0

    /// Remembers nothing yet, and never more than `countMax`.
    init(countMax: Int = SeenEvents.countMax) {
        self.countMax = countMax
    }

    /// Remembers an event; false when it is remembered already.
    mutating func insert(_ id: String) -> Bool {
        guard ids.insert(id).inserted else { return false }
        if ring.count < countMax {
            ring.append(id)
        } else {
            ids.remove(ring[oldest])
            ring[oldest] = id
            oldest = (oldest + 1) % countMax
        }
        return true
    }
}
