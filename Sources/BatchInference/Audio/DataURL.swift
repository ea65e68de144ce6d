// SPDX-License-Identifier: Apache-2.0

/// A file written out in its own URL, `data:audio/wav;base64,…`. (RFC 2397)
struct DataURL: Hashable, Sendable {
    /// The media type without parameters; empty when none is given.
    let type: String
    /// The file.
    let bytes: [UInt8]

    /// Reads a URL; nil when it is malformed.
    init?(_ url: [UInt8]) {
        guard let comma = url.firstIndex(of: UInt8(ascii: ",")), comma <= Self.headBytesMax else { return nil }
        let head = String(decoding: url[..<comma], as: UTF8.self)
        let parts = head.dropFirst("data:".count).split(separator: ";", omittingEmptySubsequences: false)
        let data = url[(comma + 1)...]
        let isBase64 = parts.dropFirst().contains { $0.lowercased() == "base64" }
        guard let bytes = isBase64 ? Self.base64(data) : Self.percentDecoded(data) else { return nil }
        type = parts.first.map(String.init) ?? ""
        self.bytes = bytes
    }

    /// Longest stretch before the comma.
    private static let headBytesMax = 512

    /// Base64 with or without its padding, in either alphabet; nil for anything else. (RFC 4648)
    static func base64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var digits = text
        while digits.last == UInt8(ascii: "="), text.count - digits.count < 2 { digits.removeLast() }
        guard digits.count % 4 != 1 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var count = 0
        for byte in digits {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count == 4 {
                out.append(UInt8(truncatingIfNeeded: bits >> 16))
                out.append(UInt8(truncatingIfNeeded: bits >> 8))
                out.append(UInt8(truncatingIfNeeded: bits))
                (bits, count) = (0, 0)
            }
        }
        if count == 2 { out.append(UInt8(truncatingIfNeeded: bits >> 4)) }
        if count == 3 {
            out.append(UInt8(truncatingIfNeeded: bits >> 10))
            out.append(UInt8(truncatingIfNeeded: bits >> 2))
        }
        return out
    }

    /// The value of each digit, 255 for what is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, digit) in digits.utf8.enumerated() { values[Int(digit)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// Text with `%XX` resolved; nil when one is incomplete.
    static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.first != UInt8(ascii: "+"), rest.first != UInt8(ascii: "-")
            else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return out
    }
}
