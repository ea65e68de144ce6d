// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import HTTPTypes

/// What a route asks of who calls it.
package enum RouteKey: Hashable, Sendable {
    case nothing
    /// `Authorization: Bearer`.
    case apiKey
    /// A signature made with an access key.
    case signature
}

/// One row of the table of routes.
struct Route: Sendable {
    /// Who may call it.
    enum Access: Sendable {
        /// Everybody.
        case open(@Sendable (Call) async throws -> Answer)
        /// Holders of a key, for their project.
        case guarded(@Sendable (Call, ProjectID) async throws -> Answer)
        /// Holders of a key, also of a temporary one; the answer may take days.
        case held(@Sendable (Call, APIKeyOwner, HeldConnection) async throws -> Answer)
        /// Whoever signs with an access key, for its project; the body was read to be verified.
        case signed(@Sendable (Call, SignedCaller, [UInt8]) async throws -> Answer)
    }

    /// The method; a GET route serves HEAD too.
    let method: HTTPRequest.Method
    /// The path with at most one `{…}` segment; `{…...}` as the last takes all segments that follow.
    let path: String
    /// Who may call it, and what happens then.
    let access: Access

    /// A route for everybody.
    static func open(
        _ method: HTTPRequest.Method, _ path: String, _ handle: @escaping @Sendable (Call) async throws -> Answer
    ) -> Route {
        Route(method: method, path: path, access: .open(handle))
    }

    /// A route for holders of a key.
    static func guarded(
        _ method: HTTPRequest.Method, _ path: String,
        _ handle: @escaping @Sendable (Call, ProjectID) async throws -> Answer
    ) -> Route {
        Route(method: method, path: path, access: .guarded(handle))
    }

    /// A route for holders of a key, also of a temporary one, whose requests are held until they are answered.
    static func held(
        _ method: HTTPRequest.Method, _ path: String,
        _ handle: @escaping @Sendable (Call, APIKeyOwner, HeldConnection) async throws -> Answer
    ) -> Route {
        Route(method: method, path: path, access: .held(handle))
    }

    /// A route for whoever signs with an access key.
    static func signed(
        _ method: HTTPRequest.Method, _ path: String,
        _ handle: @escaping @Sendable (Call, SignedCaller, [UInt8]) async throws -> Answer
    ) -> Route {
        Route(method: method, path: path, access: .signed(handle))
    }
}

/// Finds the route of a request.
struct RouteTable: Sendable {
    /// What a path and method lead to.
    enum Match: Sendable {
        /// This route, with what its `{…}` stands for.
        case found(Route, identifier: String?)
        /// The path exists with these other methods.
        case otherMethods([String])
        /// No such path.
        case nothing
    }

    private let entries: [(route: Route, segments: [Substring])]

    /// A table; the first route that fits counts.
    init(_ routes: [Route]) {
        entries = routes.map { ($0, $0.path.split(separator: "/")) }
    }

    /// Every route.
    var routes: [Route] { entries.map(\.route) }

    /// The route for a method and a path as it stands in the request line, still percent-encoded.
    ///
    /// A slash at the end is ignored. Segments are split before they are decoded, so that `%2F` can be part of a name.
    func match(_ method: HTTPRequest.Method, path: String) -> Match {
        guard path.first == "/" else { return .nothing }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if segments.last == "" { segments.removeLast() }
        var methods: [String] = []
        for entry in entries {
            guard let found = Self.fit(segments, entry.segments) else { continue }
            if entry.route.method == method || (method == .head && entry.route.method == .get) {
                return .found(entry.route, identifier: found.identifier)
            }
            methods.append(entry.route.method.rawValue)
            if entry.route.method == .get { methods.append("HEAD") }
        }
        return methods.isEmpty ? .nothing : .otherMethods(methods)
    }

    private static func fit(_ segments: [Substring], _ pattern: [Substring]) -> (identifier: String?, Void)? {
        let takesRest = pattern.last?.hasSuffix("...}") ?? false
        guard segments.count == pattern.count || (takesRest && segments.count > pattern.count) else { return nil }
        var identifier: String?
        for (index, part) in pattern.enumerated() {
            if part.first == "{" {
                let rest = part.hasSuffix("...}") ? segments[index...].joined(separator: "/") : String(segments[index])
                guard !rest.isEmpty else { return nil }
                identifier = PercentEncoding.decoded(rest.utf8)
                    .flatMap { String(validating: $0, as: UTF8.self) }.flatMap(Call.usableIdentifier)
            } else if part != segments[index] {
                return nil
            }
        }
        return (identifier, ())
    }
}
