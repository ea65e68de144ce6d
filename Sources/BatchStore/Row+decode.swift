// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

/// A row that does not say what the schema promises: a fault of the program, never of a user.
struct RowMismatch: Error, CustomStringConvertible {
    let description: String
}

extension [Row] {
    /// The single row of a statement that always returns one.
    func onlyRow(_ table: String) throws -> Row {
        guard count == 1, let row = first else {
            throw RowMismatch(description: "expected one row of \(table), found \(count)")
        }
        return row
    }
}

extension Row {
    /// An identifier column.
    func identifier<ID: Identifier>(_ column: String) throws -> ID {
        ID(rawValue: try self[column, as: String.self])
    }

    /// An identifier column that may be null.
    func optionalIdentifier<ID: Identifier>(_ column: String) throws -> ID? {
        try self[column, as: String?.self].map(ID.init(rawValue:))
    }

    /// A timestamp column in whole Unix seconds.
    func seconds(_ column: String) throws -> Int64 {
        Self.floorSeconds(try self[column, as: Timestamp.self])
    }

    /// A timestamp column that may be null, in whole Unix seconds.
    func optionalSeconds(_ column: String) throws -> Int64? {
        try self[column, as: Timestamp?.self].map(Self.floorSeconds)
    }

    /// A column whose text is one of an enum's raw values.
    func choice<Choice: RawRepresentable>(_ column: String) throws -> Choice where Choice.RawValue == String {
        let text = try self[column, as: String.self]
        guard let value = Choice(rawValue: text) else {
            throw RowMismatch(description: "column \(column) holds '\(text)', which this program does not know")
        }
        return value
    }

    /// The five token columns.
    func usage() throws -> Usage {
        Usage(
            inputTokens: try self["input_tokens", as: Int64.self],
            cachedTokens: try self["cached_tokens", as: Int64.self],
            outputTokens: try self["output_tokens", as: Int64.self],
            reasoningTokens: try self["reasoning_tokens", as: Int64.self],
            totalTokens: try self["total_tokens", as: Int64.self])
    }

    private static func floorSeconds(_ instant: Timestamp) -> Int64 {
        let quotient = instant.microseconds / 1_000_000
        return instant.microseconds % 1_000_000 < 0 ? quotient - 1 : quotient
    }
}
