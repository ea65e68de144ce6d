// SPDX-License-Identifier: Apache-2.0

/// Looks for bytes in bytes.
enum ByteSearch {
    /// Whether `needle`, which is not empty, occurs in `bytes`.
    static func contains(_ bytes: UnsafeRawBufferPointer, _ needle: [UInt8]) -> Bool {
        position(of: needle, in: bytes) != nil
    }

    /// The text between `beginning` and the next quotation mark; nil when the beginning does not occur.
    static func text(in bytes: UnsafeRawBufferPointer, after beginning: String) -> String? {
        let needle = Array(beginning.utf8)
        guard let begin = position(of: needle, in: bytes) else { return nil }
        let rest = bytes[(begin + needle.count)...]
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }

    private static func position(of needle: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let first = needle.first, bytes.count >= needle.count else { return nil }
        for begin in 0...(bytes.count - needle.count) where bytes[begin] == first {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[begin..<(begin + needle.count)])
            if piece.elementsEqual(needle) { return begin }
        }
        return nil
    }
}
