// SPDX-License-Identifier: Apache-2.0

/// A value that can be a parameter of a `Query`, in PostgreSQL's binary format.
package protocol PostgresBindable: Sendable {
    /// The type the parameter is declared with.
    static var postgresType: PostgresType { get }
    /// The value in wire form.
    var parameterContent: ParameterContent { get }
}

/// A parameter's value in wire form.
package enum ParameterContent: Sendable {
    /// SQL NULL.
    case null
    /// The low `size` bytes (1, 2, 4 or 8), sent in network order.
    case fixed(UInt64, size: Int)
    /// UTF-8 text. PostgreSQL refuses NUL characters in it (22021).
    case text(String)
    /// Raw bytes, sent as they are.
    case bytes(ArraySlice<UInt8>)
}

/// `bool`.
extension Bool: PostgresBindable {
    package static var postgresType: PostgresType { .bool }
    package var parameterContent: ParameterContent { .fixed(self ? 1 : 0, size: 1) }
}

/// `int4`: PostgreSQL has few operators for int2, and int4 fits wherever int2 does.
extension Int16: PostgresBindable {
    package static var postgresType: PostgresType { .int4 }
    package var parameterContent: ParameterContent { Int32(self).parameterContent }
}

/// `int4`.
extension Int32: PostgresBindable {
    package static var postgresType: PostgresType { .int4 }
    package var parameterContent: ParameterContent { .fixed(UInt64(UInt32(bitPattern: self)), size: 4) }
}

/// `int8`.
extension Int64: PostgresBindable {
    package static var postgresType: PostgresType { .int8 }
    package var parameterContent: ParameterContent { .fixed(UInt64(bitPattern: self), size: 8) }
}

/// `int8`.
extension Int: PostgresBindable {
    package static var postgresType: PostgresType { .int8 }
    package var parameterContent: ParameterContent { Int64(self).parameterContent }
}

/// `float8`.
extension Double: PostgresBindable {
    package static var postgresType: PostgresType { .float8 }
    package var parameterContent: ParameterContent { .fixed(bitPattern, size: 8) }
}

/// `text`.
extension String: PostgresBindable {
    package static var postgresType: PostgresType { .text }
    package var parameterContent: ParameterContent { .text(self) }
}

/// `text`.
extension Substring: PostgresBindable {
    package static var postgresType: PostgresType { .text }
    package var parameterContent: ParameterContent { .text(String(self)) }
}

/// `bytea`.
extension ArraySlice: PostgresBindable where Element == UInt8 {
    package static var postgresType: PostgresType { .bytea }
    package var parameterContent: ParameterContent { .bytes(self) }
}

/// `timestamptz`.
extension Timestamp: PostgresBindable {
    package static var postgresType: PostgresType { .timestamptz }
    package var parameterContent: ParameterContent { microsecondsSince2000.parameterContent }
}

/// `interval`, in whole microseconds rounded towards zero; beyond ±292,471 years the nearest value that fits.
extension Duration: PostgresBindable {
    package static var postgresType: PostgresType { .interval }
    package var parameterContent: ParameterContent {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        bytes.appendBigEndian(wholeMicroseconds)
        bytes.appendBigEndian(Int64(0))
        return .bytes(bytes[...])
    }

    /// Microseconds rounded towards zero, limited to the range of `Int64`.
    var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}

/// The wrapped type, nil as NULL.
extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var parameterContent: ParameterContent { self?.parameterContent ?? .null }
}

extension [UInt8] {
    /// Appends the integer's bytes in network order.
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
