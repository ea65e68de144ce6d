// SPDX-License-Identifier: Apache-2.0

/// A type that a column can be read as. Widening is allowed, everything that could lose a value is not.
package protocol PostgresDecodable {
    /// Reads the binary form; throws `ValueProblem`, which `Row` turns into a `RowError` with the column's name.
    static func decode(from value: PostgresValue) throws -> Self
}

/// One value of a result: its type and its bytes, valid as long as the row it came from.
package struct PostgresValue {
    /// The column's (or array element's) type.
    package let type: PostgresType
    /// The binary form; nil for NULL.
    package let bytes: UnsafeRawBufferPointer?

    /// The bytes when they are not NULL and the type is one of those given.
    func requireBytes(of types: [PostgresType]) throws -> UnsafeRawBufferPointer {
        guard let bytes else { throw ValueProblem.null }
        guard types.contains(type) else { throw ValueProblem.type }
        return bytes
    }

    /// The bytes of a bytea or of something textual.
    func requireOctets() throws -> UnsafeRawBufferPointer {
        guard let bytes else { throw ValueProblem.null }
        guard type == .bytea || type.isTextual else { throw ValueProblem.type }
        return bytes
    }
}

/// Why a value cannot be read as the wanted type.
enum ValueProblem: Error {
    /// NULL, and the wanted type is not optional.
    case null
    /// The column has another type.
    case type
    /// The bytes do not have the form the type demands, or the value does not fit.
    case malformed(String)
}

/// Reads integers and byte runs off a binary value.
struct WireReader {
    private var rest: Slice<UnsafeRawBufferPointer>

    /// Starts at the first byte.
    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes[...]
    }

    /// The next `count` bytes.
    mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw ValueProblem.malformed("the value ends too early") }
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = rest.dropFirst(count)
        return taken
    }

    /// A four-byte integer in network order.
    mutating func int32() throws -> Int32 {
        Int32(bigEndian: try take(4).loadUnaligned(as: Int32.self))
    }

    /// An eight-byte integer in network order.
    mutating func int64() throws -> Int64 {
        Int64(bigEndian: try take(8).loadUnaligned(as: Int64.self))
    }
}

extension PostgresValue {
    /// An int2, int4, int8 or oid, widened.
    func requireInteger(_ types: [PostgresType]) throws -> Int64 {
        let bytes = try requireBytes(of: types)
        switch (type, bytes.count) {
        case (.oid, 4): return Int64(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        case (_, 2): return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        case (_, 4): return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case (_, 8): return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        default: throw ValueProblem.malformed("an integer of \(bytes.count) bytes")
        }
    }
}

/// From `bool`.
extension Bool: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Bool {
        try value.requireBytes(of: [.bool]).first == 1
    }
}

/// From `int2`.
extension Int16: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Int16 {
        Int16(try value.requireInteger([.int2]))
    }
}

/// From `int2` and `int4`.
extension Int32: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Int32 {
        Int32(try value.requireInteger([.int4, .int2]))
    }
}

/// From `int2`, `int4`, `int8` and `oid`.
extension Int64: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Int64 {
        try value.requireInteger([.int8, .int4, .int2, .oid])
    }
}

/// From `int2`, `int4`, `int8` and `oid`.
extension Int: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Int {
        Int(try Int64.decode(from: value))
    }
}

/// From `float8` and `float4`.
extension Double: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Double {
        let bytes = try value.requireBytes(of: [.float8, .float4])
        switch bytes.count {
        case 8: return Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        case 4: return Double(Float(bitPattern: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
        default: throw ValueProblem.malformed("a float of \(bytes.count) bytes")
        }
    }
}

/// From the text family, `json`, `jsonb` and user-defined enums.
extension String: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> String {
        guard var bytes = value.bytes else { throw ValueProblem.null }
        if value.type == .jsonb {
            // jsonb's binary form is a version byte followed by the text.
            guard bytes.first == 1 else { throw ValueProblem.malformed("an unknown version of jsonb") }
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        } else if !value.type.isTextual {
            throw ValueProblem.type
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ValueProblem.malformed("the text is not valid UTF-8")
        }
        return text
    }
}

/// From `timestamptz`.
extension Timestamp: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Timestamp {
        var reader = WireReader(try value.requireBytes(of: [.timestamptz]))
        guard let instant = Timestamp(microsecondsSince2000: try reader.int64()) else {
            throw ValueProblem.malformed("the instant lies after the year 294246")
        }
        return instant
    }
}

/// From `interval` without months; a day counts 24 hours.
extension Duration: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Duration {
        var reader = WireReader(try value.requireBytes(of: [.interval]))
        let microseconds = try reader.int64()
        let days = try reader.int32()
        guard try reader.int32() == 0 else { throw ValueProblem.malformed("an interval of months has no fixed length") }
        return .microseconds(microseconds) + .seconds(Int64(days) * 86_400)
    }
}

/// NULL as nil.
extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(from value: PostgresValue) throws -> Wrapped? {
        value.bytes == nil ? nil : try Wrapped.decode(from: value)
    }
}
