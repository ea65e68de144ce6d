// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore

/// A request as far as a signature covers it, as it arrived: nothing decoded, nothing put in order.
/// (contracts: Ark signature)
struct SignedRequest: Sendable {
    /// The method in capitals.
    var method: String
    /// The path of the request line, still percent-encoded.
    var path: String
    /// What stands behind the question mark, still percent-encoded; empty when there is nothing.
    var query: String
    /// The `Host` field, with its port when it has one.
    var host: String
    /// The other header fields: names as they came, values as bytes.
    var headers: [(name: String, value: [UInt8])]

    /// The values of a field, whose name is given in lower case; `host` is one of them.
    func values(of name: String) -> [[UInt8]] {
        if name == "host" { return [Array(host.utf8)] }
        return headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    /// The value of a field that may be there once at most; nil when it is absent.
    ///
    /// - Throws: `InvalidAuthorization` when it is there several times: nobody could say which one was signed.
    func value(of name: String) throws(ArkFault) -> [UInt8]? {
        let values = values(of: name)
        guard values.count <= 1 else {
            throw .invalidAuthorization("The request has \(values.count) '\(name)' header fields; send it once.")
        }
        return values.first
    }
}

extension SignedRequest {
    /// The request as it stood on the wire.
    init(_ request: Request) {
        self.init(
            method: request.method.rawValue, path: request.uri.path, query: request.uri.query ?? "",
            host: request.head.authority ?? "",
            headers: request.headers.map { field in
                (name: field.name.rawName, value: field.withUnsafeBytesOfValue { Array($0) })
            })
    }
}

/// The parameters of a query as bytes, decoded, in the order in which they came.
struct SignedQuery: Sendable {
    /// One parameter.
    struct Item: Hashable, Sendable {
        /// The name, decoded.
        let name: [UInt8]
        /// The value, decoded; empty for a name alone.
        let value: [UInt8]
    }

    /// The parameters.
    let items: [Item]

    /// Decodes a query as HTML forms write it: a plus sign is a blank.
    ///
    /// - Throws: `InvalidParameter` for a broken percent-encoding.
    init(_ query: String) throws(ArkFault) {
        var items: [Item] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let pieces = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decoded(pieces[0], plusIsSpace: true),
                let value = pieces.count == 2 ? PercentEncoding.decoded(pieces[1], plusIsSpace: true) : []
            else { throw .invalidParameter("The query string of the URL is not validly percent-encoded.") }
            items.append(Item(name: name, value: value))
        }
        self.items = items
    }

    /// Every value of a parameter.
    func values(of name: String) -> [[UInt8]] {
        let name = Array(name.utf8)
        return items.filter { $0.name == name }.map(\.value)
    }

    /// The text of a parameter that may be there once at most; nil when it is absent.
    ///
    /// - Throws: `InvalidParameter` when it is there several times or is no UTF-8.
    func text(of name: String) throws(ArkFault) -> String? {
        let values = values(of: name)
        guard let first = values.first else { return nil }
        guard values.count == 1, let text = String(validating: first, as: UTF8.self) else {
            throw .invalidParameter("The query parameter '\(name)' must be there once, as UTF-8.", detail: name)
        }
        return text
    }

    /// The parameters in the one order and encoding that is signed; with `names`, only those.
    func canonical(only names: Set<[UInt8]>? = nil) -> String {
        let encoded = items.filter { names?.contains($0.name) ?? true }.map {
            (name: PercentEncoding.unreserved($0.name), value: PercentEncoding.unreserved($0.value))
        }
        // By bytes: the order of text would depend on the language's rules.
        let sorted = encoded.sorted { left, right in
            left.name == right.name
                ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        return sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}
