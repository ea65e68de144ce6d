// SPDX-License-Identifier: Apache-2.0

/// Turning JSON string tokens into text and text into JSON strings, on bytes.
package enum JSONText {
    /// The value of one hex digit, or nil.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- UInt8(ascii: "0")
        if digit <= 9 { return digit }
        let letter = (byte | 0x20) &- UInt8(ascii: "a")
        return letter <= 5 ? letter &+ 10 : nil
    }

    /// Appends the text of a JSON string `token` (with its quotes) to `out` as UTF-8.
    ///
    /// Meant for tokens a scanner has accepted; bytes that are no string token give false and leave `out` half-filled,
    /// they never trap. Raw bytes are copied as they are (their UTF-8 is the scanner's business).
    package static func unescape(_ token: UnsafeRawBufferPointer, into out: inout [UInt8]) -> Bool {
        guard token.count >= 2, token[0] == UInt8(ascii: "\""), token[token.count - 1] == UInt8(ascii: "\"") else {
            return false
        }
        let end = token.count - 1
        var at = 1
        var runStart = 1
        while at < end {
            guard token[at] == UInt8(ascii: "\\") else {
                at += 1
                continue
            }
            out.append(contentsOf: token[runStart..<at])
            guard let next = appendEscape(token, at: at, end: end, into: &out) else { return false }
            at = next
            runStart = next
        }
        out.append(contentsOf: token[runStart..<end])
        return true
    }

    /// The text of a JSON string `token` (with its quotes) as UTF-8 bytes, or nil when it is no valid token.
    package static func unescaped(_ token: UnsafeRawBufferPointer) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(token.count)
        return unescape(token, into: &out) ? out : nil
    }

    /// The text of a JSON string `token` as a Swift string, or nil when it is no valid token; for the short and rare.
    package static func string(_ token: UnsafeRawBufferPointer) -> String? {
        unescaped(token).map { String(decoding: $0, as: UTF8.self) }
    }

    /// True when the text of `token` (with its quotes) is exactly `text`, escapes resolved.
    static func isEqual(_ token: UnsafeRawBufferPointer, hasEscapes: Bool, to text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        if hasEscapes { return unescaped(token).map { $0.elementsEqual(wanted) } ?? false }
        guard token.count == wanted.count + 2 else { return false }
        for index in 0..<wanted.count where token[index + 1] != wanted[index] { return false }
        return true
    }

    /// Appends what the escape at `at` stands for and returns the offset behind it; nil when it stands for nothing.
    private static func appendEscape(
        _ token: UnsafeRawBufferPointer, at: Int, end: Int, into out: inout [UInt8]
    ) -> Int? {
        guard at + 1 < end else { return nil }
        switch token[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(token[at + 1])
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"): return appendUnicodeEscape(token, at: at, end: end, into: &out)
        default: return nil
        }
        return at + 2
    }

    /// `\uXXXX`, or a pair of them that forms one character.
    private static func appendUnicodeEscape(
        _ token: UnsafeRawBufferPointer, at: Int, end: Int, into out: inout [UInt8]
    ) -> Int? {
        guard let high = unit(token, at: at, end: end) else { return nil }
        if let scalar = Unicode.Scalar(high) {
            out.append(contentsOf: String(scalar).utf8)
            return at + 6
        }
        guard high < 0xDC00, let low = unit(token, at: at + 6, end: end), low & 0xFC00 == 0xDC00,
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { return nil }
        out.append(contentsOf: String(scalar).utf8)
        return at + 12
    }

    /// The UTF-16 unit of a `\uXXXX` escape whose backslash is at `at`, or nil when there is none.
    private static func unit(_ token: UnsafeRawBufferPointer, at: Int, end: Int) -> UInt32? {
        guard at + 6 <= end, token[at] == UInt8(ascii: "\\"), token[at + 1] == UInt8(ascii: "u") else { return nil }
        var unit: UInt32 = 0
        for index in 2..<6 {
            guard let digit = hexValue(token[at + index]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}

extension JSONText {
    /// Appends `text` (valid UTF-8) to `out` as a JSON string with its quotes.
    ///
    /// Escaped are the quote, the backslash and the control characters (short forms where JSON has them); everything
    /// else, `/` and non-ASCII included, stays as it is.
    package static func appendEscaped(_ text: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var runStart = 0
        for at in 0..<text.count {
            let byte = text[at]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            out.append(contentsOf: text[runStart..<at])
            appendEscape(of: byte, to: &out)
            runStart = at + 1
        }
        out.append(contentsOf: text[runStart..<text.count])
        out.append(UInt8(ascii: "\""))
    }

    /// Appends `text` to `out` as a JSON string with its quotes.
    package static func appendString(_ text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0), to: &out) }
    }

    /// The escape of one byte that JSON does not allow raw in a string.
    private static func appendEscape(of byte: UInt8, to out: inout [UInt8]) {
        let short: Unicode.Scalar
        switch byte {
        case UInt8(ascii: "\""): short = "\""
        case UInt8(ascii: "\\"): short = "\\"
        case 0x08: short = "b"
        case 0x0C: short = "f"
        case 0x0A: short = "n"
        case 0x0D: short = "r"
        case 0x09: short = "t"
        default:
            let low = byte & 0x0F
            out.append(contentsOf: [0x5C, 0x75, 0x30, 0x30, 0x30 + byte >> 4, low < 10 ? 0x30 + low : 0x57 + low])
            return
        }
        out.append(UInt8(ascii: "\\"))
        out.append(UInt8(ascii: short))
    }
}
