// SPDX-License-Identifier: Apache-2.0

/// The header that suggests a file name to whoever saves a download. (RFC 6266, RFC 8187)
enum ContentDisposition {
    /// Longest name that is suggested, in characters; more is cut.
    private static let charactersMax = 200

    /// `attachment` with a plain ASCII name and, where that differs, the true name encoded.
    ///
    /// The stored name is whatever a user sent: separators and control characters never reach the header, and nothing
    /// in it can end the quotes.
    static func attachment(_ filename: String) -> String {
        let safe = String(
            String.UnicodeScalarView(
                filename.prefix(charactersMax).unicodeScalars.map { isUnsafe($0) ? "_" : $0 }))
        let name = safe.allSatisfy { $0 == "." } ? "file" : safe
        let plain = String(
            name.map { character -> Character in
                guard let ascii = character.asciiValue, (0x20...0x7E).contains(ascii), character != "\"",
                    character != "%"
                else { return "_" }
                return character
            })
        guard plain != name else { return "attachment; filename=\"\(plain)\"" }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(PercentEncoding.encoded(name))"
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        // Format characters can turn the direction of text around and so hide an extension.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: scalar == "/" || scalar == "\\"
        }
    }
}
