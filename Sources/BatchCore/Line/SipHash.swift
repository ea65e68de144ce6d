// SPDX-License-Identifier: Apache-2.0

/// The 128-bit secret of a `SipHash`; random per run, so that nobody can prepare ids that collide.
package struct HashKey: Equatable, Sendable {
    /// First half.
    package let low: UInt64
    /// Second half.
    package let high: UInt64

    /// A key from two halves.
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

/// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit hash that stays fast and unpredictable on hostile input.
package enum SipHash {
    /// The four words of state.
    private struct State {
        var v0, v1, v2, v3: UInt64

        @inline(__always)
        mutating func round() {
            v0 &+= v1
            v1 = rotated(v1, 13) ^ v0
            v0 = rotated(v0, 32)
            v2 &+= v3
            v3 = rotated(v3, 16) ^ v2
            v0 &+= v3
            v3 = rotated(v3, 21) ^ v0
            v2 &+= v1
            v1 = rotated(v1, 17) ^ v2
            v2 = rotated(v2, 32)
        }

        @inline(__always)
        private func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
    }

    /// The hash of `bytes` under `key`.
    package static func hash(_ bytes: UnsafeRawBufferPointer, key: HashKey) -> UInt64 {
        var state = State(
            v0: key.low ^ 0x736F_6D65_7073_6575, v1: key.high ^ 0x646F_7261_6E64_6F6D,
            v2: key.low ^ 0x6C79_6765_6E65_7261, v3: key.high ^ 0x7465_6462_7974_6573)
        var at = 0
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            state.v3 ^= word
            state.round()
            state.round()
            state.v0 ^= word
            at += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while at < bytes.count {
            last |= UInt64(bytes[at]) << shift
            shift += 8
            at += 1
        }
        state.v3 ^= last
        state.round()
        state.round()
        state.v0 ^= last
        state.v2 ^= 0xFF
        for _ in 0..<4 { state.round() }
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }
}
