// SPDX-License-Identifier: Apache-2.0

/// Where the results lie that wait for an earlier line's, by ordinal: 16 bytes for each line between the first and the
/// last of them.
struct AheadRing: Sendable {
    /// Where a result is.
    struct Place: Hashable, Sendable {
        /// Offset of the result's frame in the journal; nil when it is in memory only.
        var offset: Int64?
        /// Whether the line failed.
        var isFailed: Bool
    }

    /// The slot of a line without a result.
    private static let nothing: Int64 = -1
    /// The offset of one that is in memory only.
    private static let memory: Int64 = (1 << 62) - 1

    /// The first line without a place in its file.
    private(set) var first: Int
    /// How many lines have a result.
    private(set) var count = 0
    /// One past the last line that has a result.
    private(set) var end: Int
    /// Offset and, in the lowest bit, failure.
    private var slots: [Int64]

    /// A ring whose first line is `first`.
    init(first: Int) {
        self.first = first
        end = first
        slots = Array(repeating: Self.nothing, count: 1_024)
    }

    /// The result of a line; nil when it has none.
    subscript(ordinal: Int) -> Place? {
        guard ordinal >= first, ordinal < end else { return nil }
        let slot = slots[ordinal & (slots.count - 1)]
        guard slot != Self.nothing else { return nil }
        let offset = slot >> 1
        return Place(offset: offset == Self.memory ? nil : offset, isFailed: slot & 1 == 1)
    }

    /// Keeps the place of a line's result; `ordinal` is not below `first`.
    mutating func set(_ ordinal: Int, _ place: Place) {
        guard ordinal >= first else { return }
        while ordinal - first >= slots.count { grow() }
        let index = ordinal & (slots.count - 1)
        if slots[index] == Self.nothing { count += 1 }
        slots[index] = (place.offset ?? Self.memory) << 1 | (place.isFailed ? 1 : 0)
        end = max(end, ordinal + 1)
    }

    /// The first line's result has its place in its file.
    mutating func removeFirst() {
        slots[first & (slots.count - 1)] = Self.nothing
        first += 1
        count -= 1
        end = max(end, first)
    }

    private mutating func grow() {
        var larger = Array(repeating: Self.nothing, count: slots.count * 2)
        for ordinal in first..<max(end, first) {
            larger[ordinal & (larger.count - 1)] = slots[ordinal & (slots.count - 1)]
        }
        slots = larger
    }
}
