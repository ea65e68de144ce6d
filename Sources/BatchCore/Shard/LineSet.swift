// SPDX-License-Identifier: Apache-2.0

/// A set of lines of one shard, by 0-based ordinal: the `done` bitmap, bit 0 of byte 0 first.
package struct LineSet: Hashable, Sendable {
    /// How many lines the shard has.
    package let lineCount: Int
    /// The bitmap as stored: `(lineCount + 7) / 8` bytes.
    package private(set) var bytes: [UInt8]
    /// How many lines are in the set.
    package private(set) var count: Int

    /// The empty set for a shard of `lineCount` lines.
    package init(lineCount: Int) {
        self.lineCount = lineCount
        self.bytes = [UInt8](repeating: 0, count: (lineCount + 7) / 8)
        self.count = 0
    }

    /// The set as stored; nil when the bitmap's length or a bit beyond the last line shows that it is not of this
    /// shard.
    package init?(lineCount: Int, bytes: [UInt8]) {
        guard bytes.count == (lineCount + 7) / 8 else { return nil }
        if let last = bytes.last, lineCount % 8 != 0, last >> UInt8(lineCount % 8) != 0 { return nil }
        self.lineCount = lineCount
        self.bytes = bytes
        self.count = bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether `line` (0-based, below `lineCount`) is in the set.
    package func contains(_ line: Int) -> Bool {
        bytes[line >> 3] & (1 << UInt8(line & 7)) != 0
    }

    /// Adds `line`; false when it was in the set already.
    @discardableResult
    package mutating func insert(_ line: Int) -> Bool {
        precondition(line >= 0 && line < lineCount, "a line of another shard")
        let mask = UInt8(1) << UInt8(line & 7)
        guard bytes[line >> 3] & mask == 0 else { return false }
        bytes[line >> 3] |= mask
        count += 1
        return true
    }

    /// Adds every line of `other`, a set of the same shard.
    package mutating func formUnion(_ other: LineSet) {
        merge(other) { $0 | $1 }
    }

    /// The lines of this set that are not in `other`, a set of the same shard.
    package func subtracting(_ other: LineSet) -> LineSet {
        var rest = self
        rest.merge(other) { $0 & ~$1 }
        return rest
    }

    /// Whether no line is in both sets of the same shard.
    package func isDisjoint(with other: LineSet) -> Bool {
        zip(bytes, other.bytes).allSatisfy { $0 & $1 == 0 }
    }

    /// Whether every line of `other`, a set of the same shard, is in this one.
    package func isSuperset(of other: LineSet) -> Bool {
        zip(bytes, other.bytes).allSatisfy { $1 & ~$0 == 0 }
    }

    /// The lines of the shard that are not in the set.
    package var complement: LineSet {
        var rest = self
        for index in rest.bytes.indices { rest.bytes[index] = ~rest.bytes[index] }
        if lineCount % 8 != 0 { rest.bytes[rest.bytes.count - 1] &= UInt8(1 << (lineCount % 8)) - 1 }
        rest.count = lineCount - count
        return rest
    }

    /// The lines in the set, ascending.
    package var lines: [Int] { (0..<lineCount).filter(contains) }

    private mutating func merge(_ other: LineSet, _ combine: (UInt8, UInt8) -> UInt8) {
        precondition(other.lineCount == lineCount, "a set of another shard")
        for index in bytes.indices { bytes[index] = combine(bytes[index], other.bytes[index]) }
        count = bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether every line of the shard is in the set.
    package var isFull: Bool { count == lineCount }
}
