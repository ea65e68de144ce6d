// SPDX-License-Identifier: Apache-2.0

/// Makes gzip streams of zeros: small ones to be undone, and bombs.
enum Gzip {
    /// A gzip stream (RFC 1952) of `count` zero bytes; `count` − 1 must be a multiple of 258.
    static func zeros(_ count: Int) -> [UInt8] {
        var bits = BitWriter()
        bits.write([1, 1, 0])  // final block, fixed codes (RFC 1951 §3.2.6), least significant bit first
        bits.writeCode(0x30, 8)  // literal 0
        for _ in 0..<((count - 1) / 258) {
            bits.writeCode(0xC5, 8)  // copy 258 bytes
            bits.writeCode(0, 5)  // from one byte back
        }
        bits.writeCode(0, 7)  // end of block
        var stream: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + bits.bytes
        for word in [checksumOfZeros(count), UInt32(truncatingIfNeeded: count)] {
            stream += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        return stream
    }

    private static func checksumOfZeros(_ count: Int) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for _ in 0..<count {
            for _ in 0..<8 { sum = sum & 1 == 1 ? (sum >> 1) ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }

    private struct BitWriter {
        var bytes: [UInt8] = []
        private var used = 8

        mutating func write(_ bits: [UInt8]) {
            for bit in bits {
                if used == 8 {
                    bytes.append(0)
                    used = 0
                }
                bytes[bytes.count - 1] |= bit << UInt8(used)
                used += 1
            }
        }

        /// Writes a Huffman code, most significant bit first.
        mutating func writeCode(_ code: UInt8, _ length: Int) {
            write((0..<length).reversed().map { (code >> UInt8($0)) & 1 })
        }
    }
}
