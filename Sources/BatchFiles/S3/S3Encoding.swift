// SPDX-License-Identifier: Apache-2.0

/// How names travel in URLs of S3: the same bytes in the signature and on the wire. (contracts: SigV4, canonical URI)
enum S3Encoding {
    /// Percent-encodes a key once: everything but `A-Za-z0-9-_.~` and `/`; dots and double slashes stay.
    static func path(_ key: String) -> String { encode(key, keepsSlash: true) }

    /// Percent-encodes a name or value of a query, slashes included.
    static func query(_ text: String) -> String { encode(text, keepsSlash: false) }

    /// The query in canonical order, without its question mark; empty when there is nothing.
    static func canonicalQuery(_ items: [(name: String, value: String)]) -> String {
        let encoded = items.map { (name: query($0.name), value: query($0.value)) }
        // By bytes: the order of text would depend on the language's rules.
        let sorted = encoded.sorted { left, right in
            left.name == right.name
                ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        return sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Undoes the encoding of names in listings (`encoding-type=url`), where a space is a plus sign.
    static func decodeListed(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                if digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Two digits per byte, in lower case.
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [lower[Int($0 >> 4)], lower[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let lower = Array("0123456789abcdef".utf8)
    private static let upper = Array("0123456789ABCDEF".utf8)

    private static func encode(_ text: String, keepsSlash: Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case UInt8(ascii: "/") where keepsSlash: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), upper[Int(byte >> 4)], upper[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
