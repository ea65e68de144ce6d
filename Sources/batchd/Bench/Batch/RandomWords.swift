// SPDX-License-Identifier: Apache-2.0

/// Text of small random words: always the same sequence, as compressible as prose, without a character to escape.
struct RandomWords: Sendable {
    private let vocabulary: [[UInt8]]
    private var state: UInt64

    /// A vocabulary of 4,096 words; a power of two.
    private static let wordCount = 4_096

    /// The beginning of the sequence.
    init() {
        var state: UInt64 = 0x5EED
        vocabulary = (0..<Self.wordCount).map { _ in
            let letters = (0..<(2 + Self.next(&state) % 8)).map { _ in
                UInt8(ascii: "a") + UInt8(Self.next(&state) % 26)
            }
            return letters + [UInt8(ascii: " ")]
        }
        self.state = state
    }

    /// Appends `count` bytes of text; the last word may be cut.
    mutating func append(_ count: Int, to output: inout [UInt8]) {
        let end = output.count + count
        while output.count < end {
            let word = vocabulary[Int(truncatingIfNeeded: Self.next(&state)) & (Self.wordCount - 1)]
            output.append(contentsOf: word.prefix(end - output.count))
        }
    }

    /// The next number of SplitMix64.
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
