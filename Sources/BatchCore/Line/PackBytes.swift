// SPDX-License-Identifier: Apache-2.0

/// The primitives of packs: numbers as LEB128 varints (7 bits per byte, least significant first), byte strings with
/// their length in front, and a header of one version byte and the record count (4 bytes, little-endian).
extension [UInt8] {
    /// Bytes of a pack's header.
    static let packHeaderBytes = 5

    /// Appends `value` as a varint of 1 to 10 bytes.
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a count; negative ones become 0.
    mutating func appendVarint(_ value: Int) { appendVarint(UInt64(clamping: value)) }

    /// Appends a signed number, small magnitudes short (zigzag).
    mutating func appendSigned(_ value: Int64) {
        appendVarint(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    /// Appends the length of `bytes` and the bytes.
    mutating func appendCounted(_ bytes: UnsafeRawBufferPointer) {
        appendVarint(bytes.count)
        append(contentsOf: bytes)
    }

    /// Appends the length of `bytes` and the bytes.
    mutating func appendCounted(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { appendCounted($0) }
    }

    /// Appends the length of `text` in UTF-8 and the text.
    mutating func appendCounted(_ text: String) {
        var text = text
        text.withUTF8 { appendCounted(UnsafeRawBufferPointer($0)) }
    }

    /// An empty pack: its version, and a count of 0 to be set by `setPackCount`.
    static func packHeader(version: UInt8) -> [UInt8] { [version, 0, 0, 0, 0] }

    /// Writes the record count into the header.
    mutating func setPackCount(_ count: Int) {
        let count = UInt32(clamping: count)
        for index in 0..<4 { self[1 + index] = UInt8(truncatingIfNeeded: count >> UInt32(8 * index)) }
    }
}

/// Reads the primitives of packs. Every read checks bounds and throws; nothing traps, whatever the bytes are.
struct PackReader {
    /// The pack.
    private let bytes: [UInt8]
    /// The next unread byte.
    private(set) var position = 0

    /// A reader at the start of `bytes`.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads the header of a pack of one version; returns the record count as written, which may be a lie.
    mutating func header(version: UInt8) throws(PackFault) -> Int {
        try header(versions: version...version).count
    }

    /// Reads the header of a pack of one of several versions; returns which, and the record count as written, which
    /// may be a lie.
    mutating func header(versions: ClosedRange<UInt8>) throws(PackFault) -> (version: UInt8, count: Int) {
        guard let version = bytes.first, versions.contains(version) else { throw .unknownVersion(bytes.first) }
        guard bytes.count >= [UInt8].packHeaderBytes else { throw .truncated(offset: bytes.count) }
        position = [UInt8].packHeaderBytes
        return (version, (0..<4).reduce(0) { $0 | Int(bytes[1 + $1]) << (8 * $1) })
    }

    /// How many records to make room for: as many as claimed, but no more than could be there.
    func plausibleCount(_ count: Int, recordBytesMin: Int) -> Int {
        min(count, (bytes.count - position) / recordBytesMin)
    }

    /// Reads one byte.
    mutating func byte() throws(PackFault) -> UInt8 {
        guard position < bytes.count else { throw .truncated(offset: position) }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads a varint.
    mutating func varint() throws(PackFault) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            // The tenth byte holds bit 63 only; a last byte of 0 would be a longer spelling of a shorter number.
            guard shift < 63 || byte <= 1, byte != 0 || shift == 0 else { throw .badNumber(offset: start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// Reads a count that fits `Int`.
    mutating func count() throws(PackFault) -> Int {
        let start = position
        guard let value = Int(exactly: try varint()) else { throw .badNumber(offset: start) }
        return value
    }

    /// Reads a signed number.
    mutating func signed() throws(PackFault) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Reads a byte string, as a part of the pack.
    mutating func counted() throws(PackFault) -> ArraySlice<UInt8> {
        let start = position
        let count = try count()
        guard count <= bytes.count - position else { throw .truncated(offset: start) }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Reads a text; invalid UTF-8 is replaced, because texts here are only ever shown.
    mutating func text() throws(PackFault) -> String {
        String(decoding: try counted(), as: UTF8.self)
    }

    /// Requires that everything was read.
    func finish() throws(PackFault) {
        guard position == bytes.count else { throw .trailingBytes(offset: position) }
    }
}
