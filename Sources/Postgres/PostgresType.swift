// SPDX-License-Identifier: Apache-2.0

/// A PostgreSQL type by its object id (`pg_type.oid`), as sent with parameters and reported with columns.
package struct PostgresType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The object id.
    package let rawValue: UInt32

    /// The type with that object id.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    static let bool = PostgresType(rawValue: 16)
    static let bytea = PostgresType(rawValue: 17)
    static let char = PostgresType(rawValue: 18)
    static let name = PostgresType(rawValue: 19)
    static let int8 = PostgresType(rawValue: 20)
    static let int2 = PostgresType(rawValue: 21)
    static let int4 = PostgresType(rawValue: 23)
    static let text = PostgresType(rawValue: 25)
    static let oid = PostgresType(rawValue: 26)
    static let json = PostgresType(rawValue: 114)
    static let float4 = PostgresType(rawValue: 700)
    static let float8 = PostgresType(rawValue: 701)
    static let unknown = PostgresType(rawValue: 705)
    static let boolArray = PostgresType(rawValue: 1000)
    static let byteaArray = PostgresType(rawValue: 1001)
    static let int4Array = PostgresType(rawValue: 1007)
    static let textArray = PostgresType(rawValue: 1009)
    static let int8Array = PostgresType(rawValue: 1016)
    static let float8Array = PostgresType(rawValue: 1022)
    static let bpchar = PostgresType(rawValue: 1042)
    static let varchar = PostgresType(rawValue: 1043)
    static let timestamp = PostgresType(rawValue: 1114)
    static let timestamptz = PostgresType(rawValue: 1184)
    static let timestamptzArray = PostgresType(rawValue: 1185)
    static let interval = PostgresType(rawValue: 1186)
    static let numeric = PostgresType(rawValue: 1700)
    static let void = PostgresType(rawValue: 2278)
    static let uuid = PostgresType(rawValue: 2950)
    static let jsonb = PostgresType(rawValue: 3802)

    /// True for types whose binary form is their text: the text family, json, and what users define (enums).
    var isTextual: Bool {
        switch self {
        case .text, .varchar, .bpchar, .name, .char, .json, .unknown: return true
        default: return rawValue >= Self.firstUserDefined
        }
    }

    /// Object ids below are reserved for the system catalogue.
    private static let firstUserDefined: UInt32 = 16384

    private static let names: [PostgresType: String] = [
        .bool: "bool", .bytea: "bytea", .char: "\"char\"", .name: "name", .int8: "int8", .int2: "int2", .int4: "int4",
        .text: "text", .oid: "oid", .json: "json", .float4: "float4", .float8: "float8", .unknown: "unknown",
        .boolArray: "bool[]", .byteaArray: "bytea[]", .int4Array: "int4[]", .textArray: "text[]",
        .int8Array: "int8[]", .float8Array: "float8[]", .bpchar: "char(n)", .varchar: "varchar",
        .timestamp: "timestamp", .timestamptz: "timestamptz", .timestamptzArray: "timestamptz[]",
        .interval: "interval", .numeric: "numeric", .void: "void", .uuid: "uuid", .jsonb: "jsonb",
    ]

    /// The SQL name where known, else the object id.
    package var description: String { Self.names[self] ?? "type with oid \(rawValue)" }
}
