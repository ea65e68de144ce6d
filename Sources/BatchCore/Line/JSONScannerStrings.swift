// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// Validates the string whose opening quote is at `offset`; returns the offset behind its closing quote.
    @inline(__always)
    func skipString(from offset: Int) throws(JSONFault) -> Int {
        var ignored = false
        return try skipString(from: offset, hasEscapes: &ignored)
    }

    /// Same, and sets `hasEscapes` when a backslash was seen.
    func skipString(from offset: Int, hasEscapes: inout Bool) throws(JSONFault) -> Int {
        var at = offset &+ 1
        while true {
            at = skipPlain(from: at)
            guard at < end else { throw JSONFault(.unexpectedEnd, at: at) }
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") { return at &+ 1 }
            if byte >= 0x80 {
                repeat { at = try skipSequence(from: at) } while at < end && bytes[at] >= 0x80
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                repeat { at = try skipEscape(from: at) } while at < end && bytes[at] == UInt8(ascii: "\\")
            } else {
                throw JSONFault(.controlCharacter(byte), at: at)
            }
        }
    }

    /// The first offset at or after `offset` whose byte is a quote, a backslash, below 0x20 or above 0x7F.
    @inline(__always)
    private func skipPlain(from offset: Int) -> Int {
        var at = offset
        // Eight bytes per step: subtraction borrows reach only bytes above the first hit, so the lowest hit is exact.
        while at &+ 8 <= end {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quotes = word ^ 0x2222_2222_2222_2222
            let backslashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let low = (word &- 0x2020_2020_2020_2020) & ~word
            let hits =
                ((quotes &- 0x0101_0101_0101_0101) & ~quotes
                    | (backslashes &- 0x0101_0101_0101_0101) & ~backslashes | low | word) & 0x8080_8080_8080_8080
            if hits != 0 { return at &+ hits.trailingZeroBitCount >> 3 }
            at &+= 8
        }
        while at < end {
            let byte = bytes[at]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { return at }
            at &+= 1
        }
        return at
    }

    /// Validates one UTF-8 sequence of two to four bytes (Unicode 15, table 3-7) and returns the offset behind it.
    @inline(__always)
    private func skipSequence(from offset: Int) throws(JSONFault) -> Int {
        if offset &+ 4 <= end {
            // Three bytes are what CJK text is made of; E0 and ED have narrower second bytes and go the long way.
            let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let lead = word & 0xFF
            if word & 0x00C0_C0F0 == 0x0080_80E0, lead != 0xE0, lead != 0xED { return offset &+ 3 }
        }
        let lead = bytes[offset]
        if lead >= 0xE0, lead < 0xF0, offset &+ 3 <= end {
            let second = bytes[offset &+ 1]
            let isAllowed =
                lead == 0xE0 ? second & 0xE0 == 0xA0 : lead == 0xED ? second & 0xE0 == 0x80 : second & 0xC0 == 0x80
            if isAllowed, bytes[offset &+ 2] & 0xC0 == 0x80 { return offset &+ 3 }
        } else if lead >= 0xC2, lead < 0xE0, offset &+ 2 <= end {
            if bytes[offset &+ 1] & 0xC0 == 0x80 { return offset &+ 2 }
        } else if lead >= 0xF0, lead < 0xF5, offset &+ 4 <= end {
            let second = bytes[offset &+ 1]
            let isAllowed =
                lead == 0xF0
                ? second >= 0x90 && second < 0xC0 : lead == 0xF4 ? second & 0xF0 == 0x80 : second & 0xC0 == 0x80
            if isAllowed, bytes[offset &+ 2] & 0xC0 == 0x80, bytes[offset &+ 3] & 0xC0 == 0x80 { return offset &+ 4 }
        }
        throw JSONFault(.invalidUTF8, at: offset)
    }

    /// Validates the escape whose backslash is at `offset`; a surrogate pair is read as a whole.
    @inline(__always)
    private func skipEscape(from offset: Int) throws(JSONFault) -> Int {
        guard offset &+ 1 < end else { throw JSONFault(.unexpectedEnd, at: end) }
        switch bytes[offset &+ 1] {
        case UInt8(ascii: "u"):
            guard isHex(at: offset &+ 2) else { throw JSONFault(.badEscape, at: offset) }
            return isSurrogate(at: offset &+ 2) ? try skipLowSurrogate(after: offset) : offset &+ 6
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return offset &+ 2
        default:
            throw JSONFault(.badEscape, at: offset)
        }
    }

    /// Requires that the surrogate escape at `offset` is a high one and a low one follows; returns the offset behind
    /// both.
    private func skipLowSurrogate(after offset: Int) throws(JSONFault) -> Int {
        let low = offset &+ 6
        guard !isLowSurrogate(at: offset &+ 2), low &+ 2 <= end,
            bytes[low] == UInt8(ascii: "\\"), bytes[low &+ 1] == UInt8(ascii: "u")
        else { throw JSONFault(.loneSurrogate, at: offset) }
        guard isHex(at: low &+ 2) else { throw JSONFault(.badEscape, at: low) }
        guard isLowSurrogate(at: low &+ 2) else { throw JSONFault(.loneSurrogate, at: offset) }
        return low &+ 6
    }

    /// True when four hex digits start at `offset`.
    @inline(__always)
    private func isHex(at offset: Int) -> Bool {
        guard offset &+ 4 <= end else { return false }
        let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        // Bytes below 0x80 plus at most 0x7F never carry into the next byte, so bit 7 answers "at least" for all four.
        let lower = word | 0x2020_2020
        let digits = (word &+ 0x5050_5050) & ~(word &+ 0x4646_4646)
        let letters = (lower &+ 0x1F1F_1F1F) & ~(lower &+ 0x1919_1919)
        return word & 0x8080_8080 == 0 && (digits | letters) & 0x8080_8080 == 0x8080_8080
    }

    /// True when the four hex digits at `offset` are D800 to DFFF.
    @inline(__always)
    private func isSurrogate(at offset: Int) -> Bool {
        bytes[offset] | 0x20 == UInt8(ascii: "d") && bytes[offset &+ 1] >= UInt8(ascii: "8")
    }

    /// True when the four hex digits at `offset` are DC00 to DFFF.
    @inline(__always)
    private func isLowSurrogate(at offset: Int) -> Bool {
        bytes[offset] | 0x20 == UInt8(ascii: "d") && bytes[offset &+ 1] | 0x20 >= UInt8(ascii: "c")
    }
}
