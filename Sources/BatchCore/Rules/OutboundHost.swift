// SPDX-License-Identifier: Apache-2.0

/// Reader of the part of a URL between `//` and the path.
enum OutboundHost {
    /// Host in lower case and port; nil without a port.
    static func split(_ authority: ArraySlice<UInt8>) throws(OutboundURLProblem) -> (host: String, port: UInt16?) {
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .host(text(authority)) }
            let inside = authority[(authority.startIndex + 1)..<close]
            guard isIPv6(inside) else { throw .host(text(authority[...close])) }
            let rest = authority[(close + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .host(text(authority)) }
            return (text(inside).lowercased(), try port(rest))
        }
        var host = authority.prefix { $0 != UInt8(ascii: ":") }
        let rest = authority[host.endIndex...]
        if host.isEmpty { throw .noHost }
        let written = text(host)
        if host.last == UInt8(ascii: ".") { host.removeLast() }
        let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard host.count <= 253, labels.allSatisfy(isLabel) else { throw .host(written) }
        // Resolvers read a host whose last part is a number as an address, in forms that differ among them.
        if let last = labels.last, isNumber(last), host.endIndex < rest.startIndex || !isIPv4(host) {
            throw .host(written)
        }
        return (text(host).lowercased(), try port(rest))
    }

    /// The port after a colon; nil when there is nothing.
    private static func port(_ rest: ArraySlice<UInt8>) throws(OutboundURLProblem) -> UInt16? {
        if rest.isEmpty { return nil }
        let digits = rest.dropFirst()
        guard (1...5).contains(digits.count), digits.allSatisfy(\.isDigit), let port = UInt16(text(digits)), port > 0
        else { throw .port(text(digits)) }
        return port
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        (1...63).contains(label.count)
            && label.allSatisfy { byte in
                byte.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte.lowercased)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// Digits only, or `0x` and hexadecimal digits.
    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        if label.allSatisfy(\.isDigit) { return true }
        return label.count >= 2 && label.first == UInt8(ascii: "0") && label.dropFirst().first?.lowercased == 0x78
            && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    /// Four decimal numbers up to 255 without surplus zeros.
    private static func isIPv4(_ host: ArraySlice<UInt8>) -> Bool {
        let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy(\.isDigit) && UInt8(text(part)) != nil
                    && (part.count == 1 || part.first != UInt8(ascii: "0"))
            }
    }

    /// Eight groups, fewer with one `::`, the last two of which may be an IPv4 address. No zone.
    private static func isIPv6(_ host: ArraySlice<UInt8>) -> Bool {
        guard host.count >= 2, host.count <= 45 else { return false }
        let parts = host.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups = 0
        var gaps = 0
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                let isEdge = index == 0 || index == parts.count - 1
                if !isEdge { gaps += 1 }
                // An edge is empty only as half of the gap's two colons.
                if index == 0, !parts[1].isEmpty { return false }
                if index == parts.count - 1, !parts[index - 1].isEmpty { return false }
            } else if index == parts.count - 1, isIPv4(part) {
                groups += 2
            } else if part.count <= 4, part.allSatisfy(\.isHexDigit) {
                groups += 1
            } else {
                return false
            }
        }
        return parts.count >= 3 && (gaps == 1 ? groups <= 7 : gaps == 0 && groups == 8)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension UInt8 {
    /// Whether it is `0`…`9`.
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// The byte, a capital ASCII letter made small.
    var lowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }

    /// Whether it is `0`…`9`, `a`…`f` or `A`…`F`.
    var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercased) }
}
