// SPDX-License-Identifier: Apache-2.0

/// One row of a result. It keeps the whole result alive, so it may be kept inside the closure that got it; it must not
/// leave that closure (it is not Sendable).
package struct Row {
    private let result: QueryResult
    private let index: Int32

    /// The row with that number of a result.
    init(result: QueryResult, index: Int32) {
        self.result = result
        self.index = index
    }

    /// Names of the columns in order.
    package var columnNames: [String] { result.columns.names }

    /// The value of the column with that name. Throws `RowError`.
    package subscript<Value: PostgresDecodable>(name: String, as type: Value.Type) -> Value {
        get throws { try decode(type, name) }
    }

    /// The value of the column at that index, from 0. Throws `RowError`.
    package subscript<Value: PostgresDecodable>(column: Int, as type: Value.Type) -> Value {
        get throws { try decode(type, column) }
    }

    /// The value of the column with that name. Throws `RowError`.
    package func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, _ name: String) throws -> Value {
        try decode(type, try column(named: name))
    }

    /// The value of the column at that index, from 0. Throws `RowError`.
    package func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, _ column: Int) throws -> Value {
        let value = try value(at: column)
        do {
            return try Value.decode(from: value)
        } catch let problem as ValueProblem {
            throw RowError(column: columnNames[column], type: value.type, wanted: "\(Value.self)", problem: problem)
        }
    }

    /// The bytes of a bytea (or textual) column without a copy; the pointer is valid inside `body` only.
    /// Throws `RowError` for NULL.
    package func withBytes<T>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
        try withBytes(try column(named: name), body)
    }

    /// The bytes of a bytea (or textual) column without a copy; the pointer is valid inside `body` only.
    /// Throws `RowError` for NULL.
    package func withBytes<T>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
        let value = try value(at: column)
        let bytes: UnsafeRawBufferPointer
        do {
            bytes = try value.requireOctets()
        } catch let problem as ValueProblem {
            throw RowError(column: columnNames[column], type: value.type, wanted: "bytes", problem: problem)
        }
        return try withExtendedLifetime(result) { try body(bytes) }
    }

    /// Whether the column with that name is NULL. Throws `RowError` when there is no such column.
    package func isNull(_ name: String) throws -> Bool {
        try value(at: try column(named: name)).bytes == nil
    }

    private func column(named name: String) throws -> Int {
        guard let column = result.columns.names.firstIndex(of: name) else {
            throw RowError(missing: name, present: columnNames)
        }
        return column
    }

    private func value(at column: Int) throws -> PostgresValue {
        guard result.columns.names.indices.contains(column) else {
            throw RowError(missing: "\(column)", present: columnNames)
        }
        return result.value(row: index, column: column)
    }
}

/// A column that is missing or cannot be read as the wanted type: always a mistake in a statement or its decoding.
package struct RowError: Error, Sendable, CustomStringConvertible {
    /// Name of the column asked for.
    package let column: String
    /// What is wrong, with both types, and how to mend it.
    package let description: String

    init(column: String, type: PostgresType, wanted: String, problem: ValueProblem) {
        self.column = column
        switch problem {
        case .null:
            description = "column \"\(column)\" (\(type)) is NULL and was read as \(wanted); read it as \(wanted)?"
        case .type:
            let cast = type == .numeric ? "; cast it in SQL, for example ::int8" : ""
            description = "column \"\(column)\" has type \(type) and cannot be read as \(wanted)\(cast)"
        case .malformed(let reason):
            description = "column \"\(column)\" (\(type)) cannot be read as \(wanted): \(reason)"
        }
    }

    init(missing column: String, present: [String]) {
        self.column = column
        description = "the result has no column \(column); it has \(present.joined(separator: ", "))"
    }
}
