// SPDX-License-Identifier: Apache-2.0

/// Searches in raw bytes that the standard library would do one byte at a time.
enum ByteSearch {
    /// The offset of the first LF at or after `offset`, or nil.
    static func newline(in bytes: UnsafeRawBufferPointer, from offset: Int) -> Int? {
        var at = offset
        let end = bytes.count
        // Four words per step keep the loop ahead of memory; the word that hit is looked at below.
        while at &+ 32 <= end {
            let hits =
                hits(bytes, at) | hits(bytes, at &+ 8) | hits(bytes, at &+ 16) | hits(bytes, at &+ 24)
            if hits != 0 { break }
            at &+= 32
        }
        while at &+ 8 <= end {
            let hits = hits(bytes, at)
            if hits != 0 { return at &+ hits.trailingZeroBitCount >> 3 }
            at &+= 8
        }
        while at < end {
            if bytes[at] == 0x0A { return at }
            at &+= 1
        }
        return nil
    }

    /// Bit 7 of each byte that is LF in the eight bytes at `offset`; exact for the lowest hit.
    @inline(__always)
    private static func hits(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let marked = word ^ 0x0A0A_0A0A_0A0A_0A0A
        return (marked &- 0x0101_0101_0101_0101) & ~marked & 0x8080_8080_8080_8080
    }
}
