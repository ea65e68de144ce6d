// SPDX-License-Identifier: Apache-2.0

/// Header fields in the order they were written; names compare without regard to ASCII case (RFC 9110 §5.1).
///
/// A response keeps the received header block as bytes and parses it only when asked.
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    private enum Storage: Sendable {
        case fields([(name: String, value: String)])
        /// Lines ended by LF or CRLF, folded lines already joined; lines without a colon are not fields.
        case block([UInt8])
    }

    private var storage: Storage

    /// Fields to send, in this order. Repeated names are sent repeatedly.
    package init(_ fields: [(String, String)] = []) {
        storage = .fields(fields.map { (name: $0.0, value: $0.1) })
    }

    /// Fields to send, in the order of the literal.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// Received header lines, with or without the status line.
    package init(block: [UInt8]) {
        storage = .block(block)
    }

    /// All fields in order.
    package var fields: [(name: String, value: String)] {
        switch storage {
        case .fields(let fields):
            return fields
        case .block(let block):
            var fields: [(name: String, value: String)] = []
            Self.visit(block) { name, value in
                fields.append(
                    (name: String(decoding: name, as: UTF8.self), value: String(decoding: value, as: UTF8.self)))
                return true
            }
            return fields
        }
    }

    /// Whether there is no field.
    package var isEmpty: Bool {
        switch storage {
        case .fields(let fields): fields.isEmpty
        case .block: fields.isEmpty
        }
    }

    /// Value of the first field of that name, without surrounding blanks; nil when absent.
    package func first(_ name: String) -> String? {
        switch storage {
        case .fields(let fields):
            return fields.first { Self.equal($0.name.utf8, name.utf8) }?.value
        case .block(let block):
            var found: String?
            Self.visit(block) { fieldName, value in
                guard Self.equal(fieldName, name.utf8) else { return true }
                found = String(decoding: value, as: UTF8.self)
                return false
            }
            return found
        }
    }

    /// Values of every field of that name, in order.
    package func all(_ name: String) -> [String] {
        fields.filter { Self.equal($0.name.utf8, name.utf8) }.map(\.value)
    }

    /// Adds a field at the end.
    package mutating func append(_ name: String, _ value: String) {
        var fields = self.fields
        fields.append((name: name, value: value))
        storage = .fields(fields)
    }

    /// Compares ASCII letters without regard to case.
    private static func equal(
        _ left: some Collection<UInt8>, _ right: some Collection<UInt8>
    ) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// Calls `body` with name and trimmed value of each field until it returns false.
    private static func visit(
        _ block: [UInt8], _ body: (Slice<UnsafeRawBufferPointer>, Slice<UnsafeRawBufferPointer>) -> Bool
    ) {
        block.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                let line = bytes[start..<end]
                start = end + 1
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { continue }
                let name = line[..<colon]
                // The status line may hold a colon in its reason phrase; a field name never holds a blank.
                if name.contains(UInt8(ascii: " ")) { continue }
                if !body(name, trimmed(line[(colon + 1)...])) { return }
            }
        }
    }

    private static func trimmed(_ value: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var low = value.startIndex
        var high = value.endIndex
        while low < high, isBlank(value[low]) { low += 1 }
        while low < high, isBlank(value[high - 1]) { high -= 1 }
        return value[low..<high]
    }
}
