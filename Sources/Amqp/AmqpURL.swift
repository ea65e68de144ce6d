// SPDX-License-Identifier: Apache-2.0

/// Where a broker is and how to log in there: `amqp://user:password@host:port/vhost` or `amqps://…` (TLS).
///
/// User, password and virtual host are percent-decoded. Left out, the user is `guest` with password `guest`, the port
/// 5672 (5671 with TLS), the virtual host `/`. Query parameters, named as RabbitMQ's clients name them: `cacertfile`,
/// `certfile`, `keyfile` (paths of PEM files), `heartbeat` (seconds, 1 to 3600) and `connection_timeout`
/// (milliseconds, 1 to 600000), which precede the configuration's.
package struct AmqpURL: Sendable {
    /// Name or address, IPv6 without brackets.
    package let host: String
    /// 1 to 65535.
    package let port: Int
    /// Who logs in.
    package let user: String
    let password: String
    /// The virtual host.
    package let vhost: String
    /// Whether the connection is encrypted; then certificate and host name are checked.
    package let isEncrypted: Bool
    /// File with the authorities that may have signed the broker's certificate; nil for the system's.
    package let authorities: String?
    /// Files with our certificate and its key, when the broker wants one.
    package let certificate: (chain: String, key: String)?
    /// The URL's `heartbeat`.
    let heartbeat: Duration?
    /// The URL's `connection_timeout`.
    let connectTimeout: Duration?

    /// Reads a URL. Throws `invalidConfiguration`, which says what is wrong without repeating any part that could
    /// belong to a password.
    package init(_ text: String) throws(AmqpError) {
        guard let scheme = text.firstRange(of: "://") else {
            throw Self.wrong("begins with neither amqp:// nor amqps://")
        }
        switch text[..<scheme.lowerBound].lowercased() {
        case "amqp": isEncrypted = false
        case "amqps": isEncrypted = true
        default: throw Self.wrong("begins with neither amqp:// nor amqps://")
        }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let tail = rest[authority.endIndex...]
        // Otherwise a part of the password would be taken for a host and be printed.
        guard !tail.contains("@"), !tail.contains("#"), authority.count(where: { $0 == "@" }) <= 1 else {
            throw Self.wrong("has a special character in the password: write @ as %40, / as %2F, ? as %3F, # as %23")
        }
        let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
        (user, password) = try Self.login(parts.count == 2 ? parts[0] : nil)
        (host, port) = try Self.address(parts.last ?? "", defaultPort: isEncrypted ? 5671 : 5672)
        let path = tail.prefix { $0 != "?" }
        guard !path.dropFirst().contains("/") else { throw Self.wrong("has a / in its virtual host: write it as %2F") }
        let name = try Self.decoded(path.dropFirst(), "virtual host")
        vhost = name.isEmpty ? "/" : name
        let query = try Self.parameters(tail[path.endIndex...].dropFirst())
        authorities = query["cacertfile"]
        switch (query["certfile"], query["keyfile"]) {
        case (nil, nil): certificate = nil
        case (let chain?, let key?): certificate = (chain, key)
        default: throw Self.wrong("names only one of certfile and keyfile")
        }
        heartbeat = try Self.number(query["heartbeat"], "heartbeat", 1...3600).map { .seconds($0) }
        connectTimeout = try Self.number(query["connection_timeout"], "connection_timeout", 1...600_000)
            .map { .milliseconds($0) }
    }

    /// `host:port`, with brackets around an IPv6 address.
    package var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static func login(_ text: Substring?) throws(AmqpError) -> (String, String) {
        guard let text else { return ("guest", "guest") }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = try decoded(parts[0], "user")
        return (user, parts.count == 2 ? try decoded(parts[1], "password") : "")
    }

    private static func address(_ text: Substring, defaultPort: Int) throws(AmqpError) -> (String, Int) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw wrong("has a [ before its host and no ] after it") }
            host = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw wrong("has something else than a port after ]") }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: byte == UInt8(ascii: ":") && text.hasPrefix("[")
            }
        }
        guard !host.isEmpty, isPlain else { throw wrong("has no host, or one with characters that no host has") }
        guard let port else { return (String(host), defaultPort) }
        guard let number = Int(port), (1...65535).contains(number) else {
            throw wrong("has a port that is not a number from 1 to 65535")
        }
        return (String(host), number)
    }

    private static let parameterNames: Set = ["cacertfile", "certfile", "keyfile", "heartbeat", "connection_timeout"]

    private static func parameters(_ text: Substring) throws(AmqpError) -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard parameterNames.contains(name), parts.count == 2, values[name] == nil else {
                throw wrong(
                    "has a query parameter '\(name)' that is unknown, empty or there twice; known are "
                        + parameterNames.sorted().joined(separator: ", "))
            }
            values[name] = try decoded(parts[1], name)
        }
        return values
    }

    private static func number(
        _ text: String?, _ name: String, _ range: ClosedRange<Int64>
    ) throws(AmqpError) -> Int64? {
        guard let text else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw wrong("has a \(name) that is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func decoded(_ text: Substring, _ part: String) throws(AmqpError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                throw wrong("has a % in its \(part) without two hexadecimal digits after it: write % as %25")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw wrong("has bytes in its \(part) that are not UTF-8 text")
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func wrong(_ what: String) -> AmqpError {
        AmqpError(
            .invalidConfiguration,
            "the AMQP URL \(what) (it looks like amqp://user:password@host:5672/vhost, percent-encoded)")
    }
}

extension AmqpURL: CustomStringConvertible, CustomReflectable {
    /// The URL without user and password.
    package var description: String { "\(isEncrypted ? "amqps" : "amqp")://\(address) vhost '\(vhost)'" }

    /// Shows no password to `dump` and the like.
    package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
