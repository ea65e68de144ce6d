// SPDX-License-Identifier: Apache-2.0

/// What can stand in a Swift array that is bound or decoded.
///
/// `UInt8` is special: an array of it is one `bytea`. All others make a one-dimensional PostgreSQL array without NULLs.
package protocol PostgresListElement: Sendable {
    /// Type of the whole list.
    static var listType: PostgresType { get }
    /// The list in wire form.
    static func content(ofList list: [Self]) -> ParameterContent
    /// The list of a wire value.
    static func list(from value: PostgresValue) throws -> [Self]
}

extension PostgresListElement where Self: PostgresBindable & PostgresDecodable {
    /// Dimensions, flags, element type, length and lower bound, then length-prefixed elements.
    package static func content(ofList list: [Self]) -> ParameterContent {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(Int32(list.isEmpty ? 0 : 1))
        bytes.appendBigEndian(Int32(0))
        bytes.appendBigEndian(postgresType.rawValue)
        if !list.isEmpty {
            bytes.appendBigEndian(Int32(list.count))
            bytes.appendBigEndian(Int32(1))
        }
        for element in list { element.parameterContent.append(to: &bytes) }
        return .bytes(bytes[...])
    }

    /// Reads what `content(ofList:)` writes; refuses NULL elements and more than one dimension.
    package static func list(from value: PostgresValue) throws -> [Self] {
        let bytes = try value.requireBytes(of: [listType])
        var reader = WireReader(bytes)
        let dimensions = try reader.int32()
        _ = try reader.int32()
        let elementType = PostgresType(rawValue: UInt32(bitPattern: try reader.int32()))
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw ValueProblem.malformed("the array has \(dimensions) dimensions") }
        let count = Int(try reader.int32())
        _ = try reader.int32()
        var list: [Self] = []
        list.reserveCapacity(min(max(count, 0), bytes.count / 4))
        for _ in 0..<max(count, 0) {
            let length = Int(try reader.int32())
            guard length >= 0 else { throw ValueProblem.malformed("the array contains NULL") }
            list.append(try decode(from: PostgresValue(type: elementType, bytes: reader.take(length))))
        }
        return list
    }
}

extension ParameterContent {
    /// Length on the wire, 0 for NULL.
    var byteCount: Int {
        switch self {
        case .null: return 0
        case .fixed(_, let size): return size
        case .text(let text): return text.utf8.count
        case .bytes(let slice): return slice.count
        }
    }

    /// Appends length and bytes, as array elements and COPY fields need them.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.appendBigEndian(Int32(-1))
        case .fixed(let value, let size):
            bytes.appendBigEndian(Int32(size))
            Swift.withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0.suffix(size)) }
        case .text(let text):
            bytes.appendBigEndian(Int32(clamping: text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        case .bytes(let slice):
            bytes.appendBigEndian(Int32(clamping: slice.count))
            bytes.append(contentsOf: slice)
        }
    }
}

/// `bool[]`.
extension Bool: PostgresListElement {
    package static var listType: PostgresType { .boolArray }
}

/// `int4[]`.
extension Int32: PostgresListElement {
    package static var listType: PostgresType { .int4Array }
}

/// `int8[]`.
extension Int64: PostgresListElement {
    package static var listType: PostgresType { .int8Array }
}

/// `int8[]`.
extension Int: PostgresListElement {
    package static var listType: PostgresType { .int8Array }
}

/// `float8[]`.
extension Double: PostgresListElement {
    package static var listType: PostgresType { .float8Array }
}

/// `text[]`.
extension String: PostgresListElement {
    package static var listType: PostgresType { .textArray }
}

/// `timestamptz[]`.
extension Timestamp: PostgresListElement {
    package static var listType: PostgresType { .timestamptzArray }
}

/// `bytea`: a list of bytes is one value.
extension UInt8: PostgresListElement {
    package static var listType: PostgresType { .bytea }
    package static func content(ofList list: [UInt8]) -> ParameterContent { .bytes(list[...]) }
    package static func list(from value: PostgresValue) throws -> [UInt8] {
        [UInt8](try value.requireOctets())
    }
}

/// `bytea[]`.
extension Array: PostgresListElement where Element == UInt8 {
    package static var listType: PostgresType { .byteaArray }
}

/// `bytea` for bytes, an array type for everything else.
extension Array: PostgresBindable where Element: PostgresListElement {
    package static var postgresType: PostgresType { Element.listType }
    package var parameterContent: ParameterContent { Element.content(ofList: self) }
}

/// `bytea` for bytes, an array type for everything else.
extension Array: PostgresDecodable where Element: PostgresListElement {
    package static func decode(from value: PostgresValue) throws -> [Element] {
        try Element.list(from: value)
    }
}
