// SPDX-License-Identifier: Apache-2.0

/// Finds the raw `custom_id` token of a line, quotes included, as the bytes it was written with. Input, output, error
/// and provenance files repeat it byte for byte, so equal lines have equal tokens.
package enum CustomIDToken {
    /// Where the token lies in a line of any form; nil when it is no JSON object with a string of that name.
    package static func find(in line: UnsafeRawBufferPointer) -> Range<Int>? {
        if let range = findInResult(line) { return range }
        var found: Range<Int>?
        var scanner = JSONScanner(line, depthMax: .max)
        do throws(JSONFault) {
            try scanner.start()
            guard try scanner.kind() == .object else { return nil }
            try scanner.members { (scanner, key) throws(JSONFault) in
                let isID = found == nil && scanner.reads(key, "custom_id")
                let value = try scanner.value()
                if isID, value.kind == .string { found = value.range }
            }
        } catch {
            return nil
        }
        return found
    }

    /// The same for the beginning of a line of a result file as ``ResultLine`` writes it, looking at no byte behind the
    /// token: `{"id":"…","custom_id":"…"`. nil for other forms, and when the token goes on behind `beginning`.
    package static func findInResult(_ beginning: UnsafeRawBufferPointer) -> Range<Int>? {
        let opening: StaticString = #"{"id":""#
        let middle: StaticString = #","custom_id":"#
        guard matches(opening, in: beginning, at: 0),
            let idEnd = stringEnd(in: beginning, from: opening.utf8CodeUnitCount - 1),
            matches(middle, in: beginning, at: idEnd)
        else { return nil }
        let start = idEnd + middle.utf8CodeUnitCount
        return stringEnd(in: beginning, from: start).map { start..<$0 }
    }

    private static func matches(_ text: StaticString, in bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard bytes.count >= offset + text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[offset + index] != text.utf8Start[index] { return false }
        return true
    }

    /// The offset behind the JSON string whose opening quote is at `start`; nil when there is none or it does not end.
    private static func stringEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return nil }
        var at = start + 1
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""): return at + 1
            case UInt8(ascii: "\\"): at += 2
            default: at += 1
            }
        }
        return nil
    }
}
