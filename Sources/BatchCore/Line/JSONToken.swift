// SPDX-License-Identifier: Apache-2.0

/// The JSON type of a value; the two booleans are told apart because `stream` needs it.
package enum JSONKind: String, Equatable, Sendable {
    case object
    case array
    case string
    case number
    case `true`
    case `false`
    case null

    /// The type as a message names it: `an object`, `a string`, `true`.
    package var shown: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .true: "true"
        case .false: "false"
        case .null: "null"
        }
    }
}

/// Where one value lies in the scanned bytes. Nothing is copied or decoded.
package struct JSONToken: Equatable, Sendable {
    /// Its JSON type.
    package let kind: JSONKind
    /// Its bytes, from the first to one past the last; a string includes both quotes.
    package let range: Range<Int>
    /// For strings: true when the bytes hold a backslash, so the text differs from the raw bytes.
    package let hasEscapes: Bool

    /// A value of `kind` lying at `range`.
    package init(kind: JSONKind, range: Range<Int>, hasEscapes: Bool = false) {
        self.kind = kind
        self.range = range
        self.hasEscapes = hasEscapes
    }
}
