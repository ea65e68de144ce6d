// SPDX-License-Identifier: Apache-2.0

/// The custom ids seen so far, as hashes and places in the file: 20 bytes each, at most 32 with the free slots.
///
/// 256 partitions grow by a quarter one at a time, so growing never needs a second copy of the whole table.
struct CustomIDTable: Sendable {
    /// Where an id stands.
    struct Place: Equatable, Sendable {
        /// Physical line, 1-based, below 2^32.
        let line: Int
        /// First byte of its raw token in the file, below 2^48.
        let offset: Int64
        /// Bytes of its raw token, quotes included, below 2^16.
        let length: Int
    }

    /// Ids in the table.
    private(set) var count = 0
    private var partitions = [Partition](repeating: Partition(), count: 256)

    /// Bytes the table occupies, allocation overhead aside.
    var byteCount: Int { partitions.reduce(0) { $0 + $1.capacity * Partition.slotBytes } }

    /// Adds an id unless the table has it: then its place is returned and nothing added.
    ///
    /// `isSame` decides for a place with the same 64-bit hash whether it is really the same id.
    mutating func insert(
        hash: UInt64, at place: Place, isSame: (Place) throws -> Bool
    ) rethrows -> Place? {
        let index = Int(truncatingIfNeeded: hash >> 56)
        if let earlier = try partitions[index].insert(hash: max(hash, 1), at: place, isSame: isSame) { return earlier }
        count += 1
        return nil
    }
}

/// One open-addressing table with linear probing, at most four fifths full.
private struct Partition: Sendable {
    /// Bytes of one slot in the three arrays.
    static let slotBytes = 20

    /// 0 marks a free slot.
    private var hashes: [UInt64] = []
    /// Offset in the upper 48 bits, length in the lower 16.
    private var spots: [UInt64] = []
    private var lines: [UInt32] = []
    private var count = 0

    /// Slots, free ones included.
    var capacity: Int { hashes.count }

    /// See `CustomIDTable.insert`.
    mutating func insert(
        hash: UInt64, at place: CustomIDTable.Place, isSame: (CustomIDTable.Place) throws -> Bool
    ) rethrows -> CustomIDTable.Place? {
        if (count + 1) * 5 > capacity * 4 { grow() }
        var slot = home(of: hash)
        while hashes[slot] != 0 {
            if hashes[slot] == hash {
                let earlier = self.place(at: slot)
                if try isSame(earlier) { return earlier }
            }
            slot = slot + 1 == capacity ? 0 : slot + 1
        }
        hashes[slot] = hash
        spots[slot] = UInt64(truncatingIfNeeded: place.offset) << 16 | UInt64(truncatingIfNeeded: place.length) & 0xFFFF
        lines[slot] = UInt32(clamping: place.line)
        count += 1
        return nil
    }

    /// What a slot says.
    private func place(at slot: Int) -> CustomIDTable.Place {
        CustomIDTable.Place(
            line: Int(lines[slot]), offset: Int64(truncatingIfNeeded: spots[slot] >> 16),
            length: Int(spots[slot] & 0xFFFF))
    }

    /// Where the search for a hash starts. The top byte chose the partition, so the other 56 bits are spread.
    private func home(of hash: UInt64) -> Int {
        Int((hash << 8).multipliedFullWidth(by: UInt64(capacity)).high)
    }

    /// Makes a quarter more room.
    private mutating func grow() {
        let old = (hashes: hashes, spots: spots, lines: lines)
        let size = max(16, capacity + capacity / 4)
        hashes = [UInt64](repeating: 0, count: size)
        spots = [UInt64](repeating: 0, count: size)
        lines = [UInt32](repeating: 0, count: size)
        for index in old.hashes.indices where old.hashes[index] != 0 {
            var slot = home(of: old.hashes[index])
            while hashes[slot] != 0 { slot = slot + 1 == size ? 0 : slot + 1 }
            hashes[slot] = old.hashes[index]
            spots[slot] = old.spots[index]
            lines[slot] = old.lines[index]
        }
    }
}
