// SPDX-License-Identifier: Apache-2.0

/// Writes rows in COPY's binary format and passes them on in pieces of 64 KiB.
package struct CopyWriter: ~Copyable {
    private let connection: Connection
    private let control: RunControl
    private let statement: String
    private let columns: Int
    private var current: CopyRow

    /// Size of one PQputCopyData; larger ones gain nothing.
    static let pieceBytes = 64 * 1024

    /// Starts with the format's header: signature, flags, length of the header extension.
    init(connection: Connection, control: RunControl, statement: String, columns: Int) {
        self.connection = connection
        self.control = control
        self.statement = statement
        self.columns = columns
        current = CopyRow()
        current.bytes.reserveCapacity(Self.pieceBytes * 2)
        current.bytes.append(contentsOf: "PGCOPY\n".utf8)
        current.bytes.append(contentsOf: [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// One row: `body` appends exactly one field for each column, in the order of `columns`.
    package mutating func row(_ body: (inout CopyRow) throws -> Void) throws {
        current.fields = 0
        current.bytes.appendBigEndian(Int16(truncatingIfNeeded: columns))
        try body(&current)
        guard current.fields == columns else {
            throw PostgresError(
                code: .misuse, message: "a row of COPY has \(current.fields) fields for \(columns) columns",
                statement: statement)
        }
        if current.bytes.count >= Self.pieceBytes { try flush() }
    }

    /// Writes the format's trailer and what is left.
    mutating func finish() throws {
        current.bytes.appendBigEndian(Int16(-1))
        try flush()
    }

    private mutating func flush() throws {
        try control.check()
        try current.bytes.withUnsafeBytes { try connection.putCopyData($0, statement: statement) }
        current.bytes.removeAll(keepingCapacity: current.bytes.capacity <= Self.pieceBytes * 8)
    }
}

/// The row being written: one call for each field.
package struct CopyRow {
    fileprivate var bytes: [UInt8] = []
    fileprivate var fields = 0

    /// NULL.
    package mutating func null() {
        bytes.appendBigEndian(Int32(-1))
        fields += 1
    }

    /// A `bool` column.
    package mutating func bool(_ value: Bool) {
        bytes.appendBigEndian(Int32(1))
        bytes.append(value ? 1 : 0)
        fields += 1
    }

    /// An `int2` column.
    package mutating func int2(_ value: Int16) {
        bytes.appendBigEndian(Int32(2))
        bytes.appendBigEndian(value)
        fields += 1
    }

    /// An `int4` column.
    package mutating func int4(_ value: Int32) {
        bytes.appendBigEndian(Int32(4))
        bytes.appendBigEndian(value)
        fields += 1
    }

    /// An `int8` column.
    package mutating func int8(_ value: Int64) {
        bytes.appendBigEndian(Int32(8))
        bytes.appendBigEndian(value)
        fields += 1
    }

    /// A `float8` column.
    package mutating func float8(_ value: Double) {
        bytes.appendBigEndian(Int32(8))
        bytes.appendBigEndian(value.bitPattern)
        fields += 1
    }

    /// A `text` (or varchar, json, enum) column.
    package mutating func text(_ value: String) {
        bytes.appendBigEndian(Int32(clamping: value.utf8.count))
        bytes.append(contentsOf: value.utf8)
        fields += 1
    }

    /// A `bytea` (or textual) column.
    package mutating func bytea(_ value: some Collection<UInt8>) {
        bytes.appendBigEndian(Int32(clamping: value.count))
        bytes.append(contentsOf: value)
        fields += 1
    }

    /// A `timestamptz` column.
    package mutating func timestamptz(_ value: Timestamp) {
        int8(value.microsecondsSince2000)
    }

    /// Any bindable value; its `postgresType` must be the column's type.
    package mutating func value(_ value: some PostgresBindable) {
        value.parameterContent.append(to: &bytes)
        fields += 1
    }
}
