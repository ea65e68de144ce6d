// SPDX-License-Identifier: Apache-2.0

/// A header value of the form `value; name=text; name="text"`, such as Content-Type and Content-Disposition have.
/// (RFC 9110 section 5.6.6, RFC 6266, RFC 7578)
struct HeaderParameters {
    /// What stands before the first semicolon, in lower case.
    let value: String
    /// The parameters in order: names in lower case, texts as bytes because clients write raw UTF-8 and worse.
    let parameters: [(name: String, text: [UInt8])]

    /// Takes a header value apart; nil when quotes stay open or a parameter has no `=`.
    ///
    /// Inside quotes a backslash escapes a quote or a backslash and is itself everywhere else: old browsers send
    /// paths like `C:\data`.
    init?(parsing bytes: some Collection<UInt8>) {
        var rest = bytes[...]
        let head = rest.prefix { $0 != UInt8(ascii: ";") }
        value = Self.lowercased(Self.trimmed(head))
        rest = rest.dropFirst(head.count)
        var found: [(name: String, text: [UInt8])] = []
        while rest.first == UInt8(ascii: ";") {
            rest = rest.dropFirst().drop(while: Self.isBlank)
            guard let first = rest.first else { break }
            guard first != UInt8(ascii: ";") else { continue }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(name.count)
            guard rest.first == UInt8(ascii: "=") else { return nil }
            rest = rest.dropFirst().drop(while: Self.isBlank)
            guard let text = Self.takeText(&rest) else { return nil }
            found.append((Self.lowercased(Self.trimmed(name)), text))
        }
        guard rest.isEmpty else { return nil }
        parameters = found
    }

    /// The text of the first parameter of that name.
    subscript(name: String) -> [UInt8]? {
        parameters.first { $0.name == name }?.text
    }

    private static func takeText<Bytes: Collection<UInt8>>(_ rest: inout Bytes) -> [UInt8]?
    where Bytes.SubSequence == Bytes {
        guard rest.first == UInt8(ascii: "\"") else {
            let text = rest.prefix { $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(text.count)
            return trimmed(text)
        }
        var text: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.first {
            rest = rest.dropFirst()
            switch byte {
            case UInt8(ascii: "\""):
                rest = rest.drop(while: isBlank)
                return text
            case UInt8(ascii: "\\"):
                if let next = rest.first, next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") {
                    text.append(next)
                    rest = rest.dropFirst()
                } else {
                    text.append(byte)
                }
            default:
                text.append(byte)
            }
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func trimmed(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Array(Array(bytes.drop(while: isBlank)).reversed().drop(while: isBlank).reversed())
    }

    private static func lowercased(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased()
    }
}
