// SPDX-License-Identifier: Apache-2.0

/// One request at the beginning of what a connection has received. (RFC 9112; bodies with `Content-Length` only)
struct BackendRequest: Hashable, Sendable {
    /// `POST`, `GET`.
    var method: String
    /// Such as `/v1/chat/completions`.
    var path: String
    /// The key of `Authorization: Bearer`; empty without one. Names the caller in the call log.
    var caller: String
    /// Where the body lies in the buffer; may be empty.
    var body: Range<Int>

    /// What a buffer begins with.
    enum Reading: Hashable, Sendable {
        /// More bytes have to come first.
        case incomplete
        /// Not a request that this server understands.
        case invalid
        /// A whole request; its body ends where the next one begins.
        case whole(BackendRequest)
    }

    /// Longest head that is read.
    static let headBytesMax = 16 << 10
    /// Longest body that is read.
    static let bodyBytesMax = 64 << 20

    /// Reads the first request in `bytes`.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Reading {
        var at = 0
        guard let first = line(bytes, &at) else { return bytes.count > headBytesMax ? .invalid : .incomplete }
        let words = bytes[first].split(separator: UInt8(ascii: " "))
        guard words.count == 3 else { return .invalid }
        var request = BackendRequest(
            method: String(decoding: words[0], as: UTF8.self), path: String(decoding: words[1], as: UTF8.self),
            caller: "", body: 0..<0)
        var length = 0
        while true {
            guard let field = line(bytes, &at) else { return bytes.count > headBytesMax ? .invalid : .incomplete }
            if field.isEmpty { break }
            if let value = value(of: "content-length", bytes, field) {
                guard let count = Int(value), (0...bodyBytesMax).contains(count) else { return .invalid }
                length = count
            } else if let value = value(of: "authorization", bytes, field) {
                request.caller = String(value.drop { $0 != " " }.dropFirst())
            } else if value(of: "transfer-encoding", bytes, field) != nil {
                return .invalid
            }
        }
        guard bytes.count >= at + length else { return .incomplete }
        request.body = at..<(at + length)
        return .whole(request)
    }

    /// The next line without its end; moves `at` behind it. Nil when its end is not there yet.
    private static func line(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Range<Int>? {
        let begin = at
        var end = begin
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        guard end < bytes.count else { return nil }
        at = end + 1
        let last = end > begin && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
        return begin..<last
    }

    /// The value of a field when it has that name, in lower case; nil for another field.
    private static func value(of name: StaticString, _ bytes: UnsafeRawBufferPointer, _ field: Range<Int>) -> String? {
        let length = name.utf8CodeUnitCount
        guard field.count > length, bytes[field.lowerBound + length] == UInt8(ascii: ":") else { return nil }
        // The bit that makes a letter lower case is part of a dash already.
        for index in 0..<length where bytes[field.lowerBound + index] | 0x20 != name.utf8Start[index] { return nil }
        let text = String(decoding: bytes[(field.lowerBound + length + 1)..<field.upperBound], as: UTF8.self)
        return String(text.drop { $0 == " " })
    }
}
