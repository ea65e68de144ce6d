// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The lines of a shard, read in place: bodies are sent from the pack's own bytes.
final class PackedLines: @unchecked Sendable {
    // Unchecked because of the raw pointer. A native array keeps its elements in one heap object that does not move
    // while it is retained, and this object retains it unchanged.
    private let pack: [UInt8]
    private let base: UnsafeRawBufferPointer
    private let lines: [PackedLine]

    /// How many bytes are held.
    var byteCount: Int { pack.count }

    /// How many lines.
    var count: Int { lines.count }

    /// Takes a pack apart.
    init(_ pack: [UInt8]) throws(PackFault) {
        self.pack = pack
        self.base = self.pack.withUnsafeBytes { $0 }
        self.lines = try LinePack(pack).lines
    }

    /// The raw `custom_id` token of a line.
    func customID(_ ordinal: Int) -> ArraySlice<UInt8> { lines[ordinal].customID }

    /// The body of a line; valid while this object lives.
    func body(_ ordinal: Int) -> UnsafeRawBufferPointer {
        // A slice of an array has the array's own indices.
        UnsafeRawBufferPointer(rebasing: base[lines[ordinal].body.indices])
    }
}
