// SPDX-License-Identifier: Apache-2.0

/// What a backend's error answer says is wrong, in the forms that servers use: `{"error":{code,message}}`,
/// `{"error":"…"}`, or the same fields without an envelope. (contracts: Bailian result lines)
package struct AnswerError: Hashable, Sendable {
    /// Its code or, without one, its type; `http_404` and the like when it names neither.
    package var code: String
    /// Its type; nil when it names none.
    package var type: String?
    /// Its message; one of our own when it has none.
    package var message: String

    /// Longest text that is kept of either, in bytes; the whole is in the answer.
    package static let textBytesMax = 4 << 10

    /// Reads a complete JSON `body`; whatever it is, there is something to say.
    package static func read(_ body: UnsafeRawBufferPointer, status: Int) -> AnswerError {
        let fields = (try? scan(body)) ?? Fields()
        return AnswerError(
            code: fields.code ?? fields.type ?? "http_\(status)", type: fields.type,
            message: fields.message ?? "The backend answered with status \(status) and no message.")
    }

    private struct Fields {
        var code: String?
        var type: String?
        var message: String?

        /// What `inner` says counts before what stands around it.
        mutating func prefer(_ inner: Fields) {
            code = inner.code ?? code
            type = inner.type ?? type
            message = inner.message ?? message
        }
    }

    private static func scan(_ body: UnsafeRawBufferPointer) throws(JSONFault) -> Fields {
        var scanner = JSONScanner(body)
        try scanner.start()
        guard try scanner.kind() == .object else { return Fields() }
        var outer = Fields()
        var inner = Fields()
        try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
            guard scanner.reads(key, "error") else { return try take(key, &scanner, &outer) }
            guard try scanner.kind() == .object else {
                inner.message = text(try scanner.value(), scanner)
                return
            }
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                try take(key, &scanner, &inner)
            }
        }
        outer.prefer(inner)
        return outer
    }

    private static func take(
        _ key: JSONToken, _ scanner: inout JSONScanner, _ fields: inout Fields
    ) throws(JSONFault) {
        if scanner.reads(key, "code") {
            fields.code = text(try scanner.value(), scanner)
        } else if scanner.reads(key, "type") {
            fields.type = text(try scanner.value(), scanner)
        } else if scanner.reads(key, "message") || scanner.reads(key, "detail") {
            fields.message = text(try scanner.value(), scanner)
        } else {
            _ = try scanner.value()
        }
    }

    /// The text of a string or the digits of a number; nil for anything else and for nothing.
    private static func text(_ token: JSONToken, _ scanner: JSONScanner) -> String? {
        let raw = scanner.raw(token)
        let bytes: [UInt8]? =
            switch token.kind {
            case .string: JSONText.unescaped(raw)
            case .number: Array(raw)
            default: nil
            }
        guard let bytes, !bytes.isEmpty else { return nil }
        guard bytes.count > textBytesMax else { return String(decoding: bytes, as: UTF8.self) }
        // Cut between characters.
        let end = bytes[...textBytesMax].lastIndex { $0 & 0xC0 != 0x80 } ?? textBytesMax
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}
