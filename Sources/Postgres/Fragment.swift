// SPDX-License-Identifier: Apache-2.0

/// A part of a statement that carries its own parameters, for conditions that are put together at run time.
/// `\(fragment)` inside a `Query` or another fragment numbers its parameters anew.
package struct Fragment: Sendable, ExpressibleByStringInterpolation {
    /// Text or value, in order.
    enum Piece: Sendable {
        case text(String)
        case parameter(Query.Parameter)
    }

    /// What the fragment consists of.
    let pieces: [Piece]

    /// A constant fragment.
    package init(stringLiteral value: String) {
        pieces = [.text(value)]
    }

    /// A fragment assembled by the compiler from a literal.
    package init(stringInterpolation: StringInterpolation) {
        pieces = stringInterpolation.pieces
    }

    private init(pieces: [Piece]) {
        self.pieces = pieces
    }

    /// This fragment followed by another one; the caller's text provides the spaces.
    package static func + (left: Fragment, right: Fragment) -> Fragment {
        Fragment(pieces: left.pieces + right.pieces)
    }

    /// Collects the pieces of a literal.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces: [Piece] = []

        /// Called by the compiler with the sizes it knows.
        package init(literalCapacity: Int, interpolationCount: Int) {
            pieces.reserveCapacity(interpolationCount * 2 + 1)
        }

        /// A constant part.
        package mutating func appendLiteral(_ literal: String) {
            pieces.append(.text(literal))
        }

        /// A value: becomes a parameter.
        package mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value) {
            pieces.append(.parameter(Query.Parameter(type: Value.postgresType, content: value.parameterContent)))
        }

        /// A value that may be null: becomes a parameter.
        package mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value?) {
            pieces.append(.parameter(Query.Parameter(type: Value.postgresType, content: value.parameterContent)))
        }

        /// A constant SQL fragment, put into the text as it is.
        package mutating func appendInterpolation(unescaped fragment: StaticString) {
            pieces.append(.text(fragment.description))
        }

        /// Another fragment.
        package mutating func appendInterpolation(_ fragment: Fragment) {
            pieces += fragment.pieces
        }
    }
}
