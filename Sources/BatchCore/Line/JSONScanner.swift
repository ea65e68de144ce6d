// SPDX-License-Identifier: Apache-2.0

/// Validates JSON strictly (RFC 8259) in one pass and tells where values lie, without a tree and without recursion.
///
/// Strict means: UTF-8 is checked, raw control characters, lone surrogate escapes, byte order marks and anything after
/// the value are refused; numbers of any magnitude pass, because nobody here converts them.
///
/// A scanner is a cursor over bytes that the caller keeps alive and unchanged. `start()`, then exactly one of
/// `value()`, `members(_:)` or `elements(_:)`, then `finish()`. Visitors may descend with the scanner they are handed;
/// how deep that recursion goes is the caller's choice, never the data's.
package struct JSONScanner {
    /// Containers one text may nest (inclusive) unless the caller says otherwise.
    package static let defaultDepthMax = 128

    /// The bytes being scanned.
    let bytes: UnsafeRawBufferPointer
    /// `bytes.count`, kept so that hot loops need not compute it.
    let end: Int
    /// Containers that may be open at once, inclusive.
    let depthMax: Int
    /// Containers opened by `members` and `elements` around the cursor.
    var depth = 0
    /// Byte offset of the next unread byte.
    package private(set) var position = 0

    /// A cursor at the start of `bytes`; `depthMax` is the number of nested containers that is still accepted.
    package init(_ bytes: UnsafeRawBufferPointer, depthMax: Int = JSONScanner.defaultDepthMax) {
        self.bytes = bytes
        self.end = bytes.count
        self.depthMax = depthMax
    }

    /// Validates `bytes` as one complete JSON text and returns the type of its value.
    @discardableResult
    package static func validate(
        _ bytes: UnsafeRawBufferPointer, depthMax: Int = JSONScanner.defaultDepthMax
    ) throws(JSONFault) -> JSONKind {
        var scanner = JSONScanner(bytes, depthMax: depthMax)
        try scanner.start()
        let token = try scanner.value()
        try scanner.finish()
        return token.kind
    }

    /// Skips leading white space and refuses a byte order mark.
    package mutating func start() throws(JSONFault) {
        if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw JSONFault(.byteOrderMark, at: 0)
        }
        position = skipSpace(from: position)
    }

    /// Requires that only white space is left.
    package mutating func finish() throws(JSONFault) {
        position = skipSpace(from: position)
        guard position == end else { throw JSONFault(.trailingBytes, at: position) }
    }

    /// The type of the value that starts at the cursor, judged by its first byte only; white space before it is
    /// skipped.
    package mutating func kind() throws(JSONFault) -> JSONKind {
        position = skipSpace(from: position)
        return try kind(at: position)
    }

    /// Reads one whole value, however deep, validating all of it, and leaves the cursor behind it.
    package mutating func value() throws(JSONFault) -> JSONToken {
        let kind = try kind()
        let from = position
        var hasEscapes = false
        if kind == .string {
            position = try skipString(from: from, hasEscapes: &hasEscapes)
        } else {
            position = try skipValue(from: from)
        }
        return JSONToken(kind: kind, range: from..<position, hasEscapes: hasEscapes)
    }

    /// The bytes of `token`, as they stand.
    @inline(__always)
    package func raw(_ token: JSONToken) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[token.range])
    }

    /// True when the key or string `token` reads `text`, escapes resolved.
    package func reads(_ token: JSONToken, _ text: StaticString) -> Bool {
        JSONText.isEqual(raw(token), hasEscapes: token.hasEscapes, to: text)
    }

    /// Reads the object at the cursor. `visit` gets the scanner in front of each member's value, and the key's
    /// token; it
    /// must read exactly that one value (`value()`, or `members`/`elements` to descend).
    package mutating func members(
        _ visit: (inout JSONScanner, JSONToken) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try open("{")
        if try closes(with: "}") { return }
        repeat {
            position = skipSpace(from: position)
            let from = position
            var hasEscapes = false
            try expect("\"", at: from)
            position = try skipString(from: from, hasEscapes: &hasEscapes)
            let key = JSONToken(kind: .string, range: from..<position, hasEscapes: hasEscapes)
            position = skipSpace(from: position)
            try expect(":", at: position)
            position = skipSpace(from: position + 1)
            try visit(&self, key)
        } while try continues(before: "}")
    }

    /// Reads the array at the cursor. `visit` gets the scanner in front of each element and must read exactly that
    /// value.
    package mutating func elements(
        _ visit: (inout JSONScanner) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try open("[")
        if try closes(with: "]") { return }
        repeat {
            position = skipSpace(from: position)
            try visit(&self)
        } while try continues(before: "]")
    }
}

extension JSONScanner {
    /// The type of a value by its first byte at `offset`.
    @inline(__always)
    func kind(at offset: Int) throws(JSONFault) -> JSONKind {
        guard offset < end else { throw JSONFault(.unexpectedEnd, at: offset) }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"): return .true
        case UInt8(ascii: "f"): return .false
        case UInt8(ascii: "n"): return .null
        default: throw unexpected(at: offset)
        }
    }

    /// The fault for a byte that has no business at `offset`, or for the end of the bytes.
    func unexpected(at offset: Int) -> JSONFault {
        guard offset < end else { return JSONFault(.unexpectedEnd, at: offset) }
        return JSONFault(.unexpectedByte(bytes[offset]), at: offset)
    }

    /// Requires `character` at `offset`.
    @inline(__always)
    func expect(_ character: Unicode.Scalar, at offset: Int) throws(JSONFault) {
        guard offset < end, bytes[offset] == UInt8(ascii: character) else { throw unexpected(at: offset) }
    }

    /// The first offset at or after `offset` that is not space, tab, LF or CR.
    @inline(__always)
    func skipSpace(from offset: Int) -> Int {
        var at = offset
        while at < end {
            let byte = bytes[at]
            if byte > 0x20 { return at }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return at }
            at &+= 1
        }
        return at
    }

    /// Steps into a container that begins with `bracket`, counting its depth.
    private mutating func open(_ bracket: Unicode.Scalar) throws(JSONFault) {
        position = skipSpace(from: position)
        try expect(bracket, at: position)
        guard depth < depthMax else { throw JSONFault(.tooDeep(depthMax), at: position) }
        depth += 1
        position += 1
    }

    /// True, and the container left, when `bracket` comes next: the container is empty.
    private mutating func closes(with bracket: Unicode.Scalar) throws(JSONFault) -> Bool {
        position = skipSpace(from: position)
        guard position < end else { throw JSONFault(.unexpectedEnd, at: position) }
        guard bytes[position] == UInt8(ascii: bracket) else { return false }
        position += 1
        depth -= 1
        return true
    }

    /// True after a comma; false, and the container left, after `bracket`; anything else is a fault.
    private mutating func continues(before bracket: Unicode.Scalar) throws(JSONFault) -> Bool {
        position = skipSpace(from: position)
        guard position < end else { throw JSONFault(.unexpectedEnd, at: position) }
        if bytes[position] == UInt8(ascii: ",") {
            position += 1
            return true
        }
        try expect(bracket, at: position)
        position += 1
        depth -= 1
        return false
    }
}
