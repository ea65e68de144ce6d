// SPDX-License-Identifier: Apache-2.0

/// Where a server answers: scheme, host, port and the path its API starts at.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// What calls start with, such as `http://127.0.0.1:8080/v1`; never ends with a slash.
    package let base: String

    /// Why a text is no address of a server, in one sentence with the way out.
    package struct Fault: Error, Hashable, Sendable {
        /// The sentence.
        package let message: String
    }

    /// Reads an address such as `http://127.0.0.1:8080`; the `/v1` at its end may be there or not, as may a slash.
    package init(_ text: String) throws(Fault) {
        var rest = Substring(text)
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let scheme = ["http://", "https://"].first(where: { rest.lowercased().hasPrefix($0) }) else {
            throw Fault(message: "\"\(text)\" is no server address: write it like http://127.0.0.1:8080")
        }
        rest = rest.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        if authority.contains("@") {
            throw Fault(message: "the server address must not hold a name or password: give the key with --api-key")
        }
        guard Self.isAuthority(authority) else {
            throw Fault(message: "\"\(text)\" names no host and port: write it like http://127.0.0.1:8080")
        }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else {
            throw Fault(message: "\"\(text)\" has a query or a character that must be percent-encoded: leave it out")
        }
        self.base = scheme + authority + (path.hasSuffix("/v1") ? path : path + "/v1")
    }

    /// The address without the `/v1`, as messages show it.
    package var description: String { String(base.dropLast("/v1".count)) }

    /// The address of a call: `path` starts with a slash; names and values of `query` are percent-encoded here.
    func url(_ path: String, query: [(String, String)] = []) -> String {
        guard !query.isEmpty else { return base + path }
        let pairs = query.map { "\(Self.encode($0.0))=\(Self.encode($0.1))" }
        return base + path + "?" + pairs.joined(separator: "&")
    }

    /// `text` with everything but RFC 3986's unreserved characters percent-encoded.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                output.append(byte)
            default:
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Whether `authority` is a host, in brackets for IPv6, and maybe a port 1…65535.
    private static func isAuthority(_ authority: Substring) -> Bool {
        var host = authority
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let port = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(port) else {
                return false
            }
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.count > 2 && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        return !host.isEmpty
            && host.utf8.allSatisfy { byte in
                byte > 0x20 && byte != 0x7F && !":[]?#\\\"<>".utf8.contains(byte)
            }
    }
}
