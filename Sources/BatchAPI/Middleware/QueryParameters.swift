// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The parameters behind the `?` of a request. Names that nobody asks for are ignored; of several, the last counts.
struct QueryParameters: Sendable {
    private var values: [String: String] = [:]

    /// Parses a query string as HTML forms write it.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for malformed encodings and NUL characters.
    init(_ query: String?) throws {
        for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            let pieces = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.text(pieces[0]), let value = pieces.count == 2 ? Self.text(pieces[1]) : "" else {
                throw BatchError.invalid("The query string of the URL is not valid percent-encoded UTF-8.")
            }
            values[name] = value
        }
    }

    /// The text of a parameter; nil when it is missing or empty.
    subscript(name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// An integer parameter within `range`, or `standard` when it is missing. (contracts: OpenAI pagination)
    func integer(_ name: String, in range: ClosedRange<Int>, standard: Int) throws -> Int {
        guard let text = self[name] else { return standard }
        guard let value = Int(text) else {
            throw BatchError.invalid(
                "Invalid type for '\(name)': expected an integer, but got '\(text.prefix(40))' instead.",
                code: "invalid_type", param: name)
        }
        guard range.contains(value) else { throw BatchError.outOfRange(name, value: value, range: range) }
        return value
    }

    /// A parameter that is one of a few words, or nil when it is missing.
    func choice<Choice>(_ name: String, of choices: [(word: String, choice: Choice)]) throws -> Choice? {
        guard let text = self[name] else { return nil }
        guard let found = choices.first(where: { $0.word == text }) else {
            throw BatchError.invalidValue(text, param: name, supported: choices.map(\.word))
        }
        return found.choice
    }

    private static func text(_ bytes: Substring.UTF8View) -> String? {
        PercentEncoding.decoded(bytes, plusIsSpace: true).flatMap { decoded in
            decoded.contains(0) ? nil : String(validating: decoded, as: UTF8.self)
        }
    }
}
