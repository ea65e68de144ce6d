// SPDX-License-Identifier: Apache-2.0
import CLibcurl

/// Header fields in libcurl's own form, made once and shared by any number of requests at the same time.
///
/// Includes what every request of this client carries: `Expect:` suppressed, no invented `Content-Type`, and
/// `Accept-Encoding: identity` unless compression is accepted.
package final class PreparedHeaders: @unchecked Sendable {
    // Unchecked because of the raw list, which is never changed after init and freed when the last user is gone.
    /// First node; never nil.
    let list: UnsafeMutablePointer<curl_slist>
    /// Whether the response may be compressed (gzip or deflate) and is decompressed on arrival.
    package let acceptsCompression: Bool
    /// Names of the fields whose value each request brings along as its `stamp`.
    package let stamped: [String]

    /// Checks and converts the fields.
    ///
    /// - Parameter stamped: names of fields whose value comes with each request.
    /// - Throws: `badRequest` for a name that is not a token (RFC 9110 §5.6.2) or a value with CR, LF or NUL.
    package init(
        _ headers: HTTPHeaders, stamped: [String] = [], acceptsCompression: Bool = false
    ) throws(CurlError) {
        var chain = HeaderChain()
        self.stamped = stamped
        do {
            try chain.append(headers)
            for (name, line) in Self.implied where headers.first(name) == nil {
                try chain.append(line: line)
            }
            if !acceptsCompression, headers.first("Accept-Encoding") == nil {
                try chain.append(line: "Accept-Encoding: identity")
            }
        } catch {
            chain.free()
            throw error
        }
        guard let head = chain.head else { throw CurlError.outOfMemory("header list") }
        list = head
        self.acceptsCompression = acceptsCompression
    }

    deinit { curl_slist_free_all(list) }

    /// Fields libcurl would invent, and the line that keeps it from doing so.
    private static let implied = [("Expect", "Expect:"), ("Content-Type", "Content-Type:")]
}

/// A libcurl string list under construction. Freed by hand: it may end in a list that belongs to someone else.
struct HeaderChain {
    /// First node; nil while empty.
    private(set) var head: UnsafeMutablePointer<curl_slist>?
    private var tail: UnsafeMutablePointer<curl_slist>?

    /// Adds fields after checking them.
    ///
    /// - Throws: `badRequest` naming the field.
    mutating func append(_ headers: HTTPHeaders) throws(CurlError) {
        for (name, value) in headers.fields {
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
                throw CurlError.badRequest("header name \"\(name)\" is not a token")
            }
            guard value.utf8.allSatisfy({ $0 != 0 && $0 != 0x0A && $0 != 0x0D }) else {
                throw CurlError.badRequest("value of header \(name) contains CR, LF or NUL")
            }
            let isBlank = value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
            // "Name;" is libcurl's spelling of a field with an empty value; "Name:" would remove the field.
            try append(line: isBlank ? "\(name);" : "\(name): \(value)")
        }
    }

    /// Adds one line in libcurl's spelling.
    mutating func append(line: String) throws(CurlError) {
        // Appending to the last node keeps this linear.
        guard let node = curl_slist_append(nil, line) else { throw CurlError.outOfMemory("header list") }
        tail?.pointee.next = node
        if head == nil { head = node }
        tail = node
    }

    /// Lets this list continue into one owned by `prepared`, which must outlive it.
    mutating func join(_ prepared: PreparedHeaders) {
        tail?.pointee.next = prepared.list
    }

    /// Frees this list's own nodes only.
    mutating func free() {
        tail?.pointee.next = nil
        curl_slist_free_all(head)
        head = nil
        tail = nil
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// The fields of a `PreparedHeaders` with stamps, in libcurl's form, rewritten in place for each request of a handle.
/// Belongs to the engine thread.
final class StampedHeaders {
    /// What the list ends in; also whose stamps these are.
    let prepared: PreparedHeaders
    /// Bytes of the stamp.
    let stampBytes: Int
    private var chain = HeaderChain()

    /// Fields with a stamp of this length.
    ///
    /// - Throws: `badRequest` when the stamp cannot be a field's value.
    init(_ prepared: PreparedHeaders, stamp: String) throws(CurlError) {
        self.prepared = prepared
        stampBytes = stamp.utf8.count
        do {
            try chain.append(HTTPHeaders(prepared.stamped.map { ($0, stamp) }))
        } catch {
            chain.free()
            throw error
        }
        chain.join(prepared)
    }

    deinit { chain.free() }

    /// The list's first node.
    var list: UnsafeMutablePointer<curl_slist>? { chain.head }

    /// Puts another stamp of the same length in place. The list must not be in use by a transfer under way.
    func write(_ stamp: String) {
        var node = chain.head
        for name in prepared.stamped {
            guard let line = node?.pointee.data else { return }
            var position = line + name.utf8.count + 2
            for byte in stamp.utf8 {
                // The value was checked when the list was made; a later stamp must not be able to break the line.
                position.pointee = CChar(bitPattern: byte > 0x20 && byte < 0x7F ? byte : UInt8(ascii: "_"))
                position += 1
            }
            node = node?.pointee.next
        }
    }
}
