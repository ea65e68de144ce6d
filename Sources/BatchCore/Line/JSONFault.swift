// SPDX-License-Identifier: Apache-2.0

/// Why a byte range is not one strict JSON text, and where (RFC 8259, plus the refusals listed in `Kind`).
package struct JSONFault: Error, Equatable, Sendable {
    /// What was wrong at `offset`.
    package enum Kind: Equatable, Sendable {
        /// The bytes ended inside a value, or there were none.
        case unexpectedEnd
        /// A byte that cannot stand here; its value.
        case unexpectedByte(UInt8)
        /// Something other than white space follows the value.
        case trailingBytes
        /// A raw byte below 0x20 inside a string; its value.
        case controlCharacter(UInt8)
        /// A backslash that is not followed by one of `" \ / b f n r t` or `u` and four hex digits.
        case badEscape
        /// A `\uD800`…`\uDFFF` escape without its other half.
        case loneSurrogate
        /// Bytes that are not UTF-8: overlong, surrogate, above U+10FFFF, cut short or stray.
        case invalidUTF8
        /// A number that the grammar does not know (`01`, `1.`, `+1`, `NaN` are reported here or as a byte).
        case badNumber
        /// Containers nested deeper than the limit; the limit.
        case tooDeep(Int)
        /// A UTF-8 byte order mark in front of the value.
        case byteOrderMark
    }

    /// What was wrong.
    package let kind: Kind
    /// Where, in bytes from the start of the scanned range (0-based).
    package let offset: Int

    /// A fault of `kind` at byte `offset`.
    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}

extension JSONFault: CustomStringConvertible {
    /// One clause a user can act on, with the byte offset: `invalid UTF-8 at byte 17`.
    package var description: String {
        switch kind {
        case .unexpectedEnd: "the text ends too early, at byte \(offset)"
        case .unexpectedByte(let byte): "unexpected \(Self.name(byte)) at byte \(offset)"
        case .trailingBytes: "something follows the end of the value at byte \(offset)"
        case .controlCharacter(let byte):
            "unescaped control character \(Self.name(byte)) inside a string at byte \(offset)"
        case .badEscape: "invalid backslash escape in a string at byte \(offset)"
        case .loneSurrogate: "half of a surrogate pair (\\uD800-\\uDFFF) without the other half at byte \(offset)"
        case .invalidUTF8: "invalid UTF-8 at byte \(offset)"
        case .badNumber: "malformed number at byte \(offset)"
        case .tooDeep(let limit): "more than \(limit) nested arrays and objects at byte \(offset)"
        case .byteOrderMark: "a byte order mark at byte \(offset) (allowed only at the very start of the file)"
        }
    }

    /// A byte as a user would name it: printable ASCII in quotes, anything else as hex.
    private static func name(_ byte: UInt8) -> String {
        if byte > 0x20, byte < 0x7F {
            return "'\(Character(Unicode.Scalar(byte)))'"
        }
        let hex = String(byte, radix: 16, uppercase: true)
        return "0x\(hex.count == 1 ? "0" : "")\(hex)"
    }
}
