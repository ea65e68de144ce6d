// SPDX-License-Identifier: Apache-2.0

/// A URL that a user gave and this service is to call: a callback, or a file elsewhere. Read strictly, since another
/// reader of the same text must not find another host in it. (RFC 3986; contracts: SSRF rules)
///
/// Only the form is checked here: a name may resolve to anything, so addresses are judged when they are dialled.
package struct OutboundURL: Hashable, Sendable, CustomStringConvertible {
    /// As the user wrote it.
    package let text: String
    /// Whether the scheme is https.
    package let isSecure: Bool
    /// Name or address in lower case; IPv6 without its brackets; without a dot at the end.
    package let host: String
    /// 1…65535; the scheme's when the text has none.
    package let port: UInt16

    /// Longest text of a callback, in bytes.
    package static let bytesMax = 2_048
    /// Longest text of a file's address, in bytes: permissions made with temporary credentials are long.
    package static let objectBytesMax = 8_192

    /// As the user wrote it.
    package var description: String { text }

    /// Reads a URL of at most `bytesMax` bytes.
    ///
    /// - Throws: the first problem from the left.
    package init(_ text: String, bytesMax: Int = Self.bytesMax) throws(OutboundURLProblem) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= bytesMax else { throw .tooLong(bytes: bytes.count, max: bytesMax) }
        if let index = bytes.firstIndex(where: { !Self.isAllowed($0) }) {
            throw .character(bytes[index], at: index)
        }
        let scheme = bytes.prefix { $0 != UInt8(ascii: ":") }.map(\.lowercased)
        guard scheme.elementsEqual("https".utf8) || scheme.elementsEqual("http".utf8),
            bytes[scheme.count...].starts(with: "://".utf8)
        else { throw .scheme }
        try Self.checkEscapes(bytes)
        if bytes.contains(UInt8(ascii: "#")) { throw .fragment }

        let authority = bytes[(scheme.count + 3)...].prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        if authority.contains(UInt8(ascii: "@")) { throw .credentials }
        let (host, port) = try OutboundHost.split(authority)
        self.text = text
        isSecure = scheme.count == 5
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
    }

    /// Whether a byte may stand in a URL at all: RFC 3986 without the characters that it wants percent-encoded.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !#""<>\^`{|}"#.utf8.contains(byte)
    }

    private static func checkEscapes(_ bytes: [UInt8]) throws(OutboundURLProblem) {
        for index in bytes.indices where bytes[index] == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, bytes[index + 1].isHexDigit, bytes[index + 2].isHexDigit else {
                throw .escape(at: index)
            }
        }
    }
}

/// Why a text is no URL that this service calls. `message` completes "The URL …" for a person.
package enum OutboundURLProblem: Error, Hashable, Sendable {
    /// There is nothing.
    case empty
    /// More than `max` bytes.
    case tooLong(bytes: Int, max: Int)
    /// A byte that may not stand in a URL; offset from 0.
    case character(UInt8, at: Int)
    /// A `%` without two hexadecimal digits; offset from 0.
    case escape(at: Int)
    /// Does not begin with `http://` or `https://`.
    case scheme
    /// A name or password before the host.
    case credentials
    /// A `#` and what follows it, which is never sent.
    case fragment
    /// Nothing where the host belongs.
    case noHost
    /// The host is neither a name nor an address in its usual form.
    case host(String)
    /// The port is no number from 1 to 65535.
    case port(String)

    /// What is wrong and the way out, to follow "The URL ".
    package var message: String {
        switch self {
        case .empty: "is empty"
        case .tooLong(let bytes, let max): "has \(bytes) bytes, more than the \(max) that are allowed"
        case .character(let byte, let offset): Self.describe(byte, offset)
        case .escape(let offset): "has a \"%\" without two hexadecimal digits at offset \(offset): write it %25"
        case .scheme: "must begin with https:// or http://"
        case .credentials: "must not hold a name or password (what stands before \"@\")"
        case .fragment: "must not have a fragment (\"#\" and what follows): it would never be sent"
        case .noHost: "names no host"
        case .host(let host):
            "names the host \"\(host)\", which is neither a host name nor an address in its usual form, "
                + "such as 192.0.2.7 or [2001:db8::7]"
        case .port(let port): "has the port \"\(port)\", which is no number from 1 to 65535"
        }
    }

    private static func describe(_ byte: UInt8, _ offset: Int) -> String {
        switch byte {
        case 0x20: "has a space at offset \(offset): write it %20"
        case ..<0x20, 0x7F: "has a control character at offset \(offset)"
        case 0x80...:
            "has a character outside ASCII at offset \(offset): percent-encode it, and write a host name in its "
                + "xn-- form"
        default:
            "has the character \"\(Character(Unicode.Scalar(byte)))\" at offset \(offset), which must be "
                + "percent-encoded"
        }
    }
}
