// SPDX-License-Identifier: Apache-2.0

/// One SQL statement with its parameters.
///
/// Written as a string literal; `\(value)` never becomes part of the text but a parameter `$n` with an explicit
/// type, sent
/// in binary. Constant fragments (column lists) go in with `\(unescaped:)`, which takes literals only.
package struct Query: Sendable, ExpressibleByStringInterpolation {
    /// The text with `$1`, `$2`, … in place of values.
    package let sql: String
    /// The values in order of their numbers.
    let parameters: [Parameter]

    /// A statement without parameters.
    package init(stringLiteral value: String) {
        sql = value
        parameters = []
    }

    /// A statement assembled by the compiler from a literal.
    package init(stringInterpolation: StringInterpolation) {
        sql = stringInterpolation.sql
        parameters = stringInterpolation.parameters
    }

    /// One bound value.
    struct Parameter: Sendable {
        /// The declared type, so that the server never has to guess.
        let type: PostgresType
        /// The value.
        let content: ParameterContent
    }

    /// Collects the text and the parameters of a literal.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = ""
        fileprivate var parameters: [Parameter] = []

        /// Called by the compiler with the sizes it knows.
        package init(literalCapacity: Int, interpolationCount: Int) {
            sql.reserveCapacity(literalCapacity + interpolationCount * 3)
            parameters.reserveCapacity(interpolationCount)
        }

        /// A constant part of the statement.
        package mutating func appendLiteral(_ literal: String) {
            sql += literal
        }

        /// A value: becomes the next parameter.
        package mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value) {
            parameters.append(Parameter(type: Value.postgresType, content: value.parameterContent))
            sql += "$\(parameters.count)"
        }

        /// A value that may be null: becomes the next parameter.
        package mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value?) {
            parameters.append(Parameter(type: Value.postgresType, content: value.parameterContent))
            sql += "$\(parameters.count)"
        }

        /// A constant SQL fragment, put into the text as it is.
        package mutating func appendInterpolation(unescaped fragment: StaticString) {
            sql += fragment.description
        }

        /// Another statement or fragment with its own parameters, renumbered to follow those already here.
        package mutating func appendInterpolation(_ fragment: Fragment) {
            for piece in fragment.pieces {
                switch piece {
                case .text(let text): sql += text
                case .parameter(let parameter):
                    parameters.append(parameter)
                    sql += "$\(parameters.count)"
                }
            }
        }
    }
}
