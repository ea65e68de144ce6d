// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import HTTPTesting
import Synchronization
import Testing

/// A network full of addresses that users must not reach, and a listener that sees who comes to which.
final class HostileNetwork: Sendable {
    /// The public addresses of this network. The blocks are nobody's special ones.
    static let publicAddresses: Set = ["203.0.114.9", "203.0.114.10", "2a00:1450::9"]
    /// All addresses besides those of loopback.
    static let addresses =
        publicAddresses.sorted() + [
            "10.0.0.5", "100.100.100.200", "169.254.169.254", "172.16.5.5", "192.168.7.7", "198.18.0.7",
            "168.63.129.16", "fd00::5", "fec0::5", "64:ff9b::a00:5", "2002:a00:5::1", "2001:0:4136::1", "2001:db8::5",
            "2a00:1450::5efe:a00:5",
        ]
    /// Where the listener is, on every address.
    static let port: UInt16 = 8_080

    /// Addresses that requests arrived at, in order.
    var visited: [String] { visits.withLock { $0 } }

    private let visits = Mutex<[String]>([])
    private let server = Mutex<ScriptedServer?>(nil)

    /// Starts the listener, which answers 200, or what `answer` says for a target.
    init(answer: @escaping @Sendable (_ target: String, ScriptedConnection) throws -> Bool = { _, _ in false }) throws {
        let listener = try ScriptedServer(everyAddressAt: Self.port) { [self] request, connection in
            visits.withLock { $0.append(connection.localAddress) }
            if try answer(request.target, connection) { return }
            try connection.respond(text: connection.localAddress)
        }
        server.withLock { $0 = listener }
    }

    /// Connections so far, with or without a request.
    var connectionCount: Int { server.withLock { $0?.connectionCount ?? 0 } }

    /// A URL of the listener.
    static func url(_ host: String, _ path: String = "/") -> String { "http://\(host):\(port)\(path)" }

    /// Bytes of an IPv4 address.
    static func octets(_ text: String) -> [UInt8] { text.split(separator: ".").compactMap { UInt8($0) } }

    /// Sends a request under a rule; the body of the answer is the address that was reached.
    static func get(
        _ engine: CurlEngine, _ url: String, _ rule: AddressRule = .publicOnly()
    ) async throws -> String {
        let response = try await engine.perform(request(url, rule))
        return String(decoding: response.body, as: UTF8.self)
    }

    /// Expects a request to reach an address.
    static func expect(
        _ address: String, _ engine: CurlEngine, _ url: String, _ rule: AddressRule = .publicOnly(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let reached = try await get(engine, url, rule)
        #expect(reached == address, sourceLocation: sourceLocation)
    }

    /// The reason why a request under a rule failed; nil when it did not.
    static func refusal(
        _ engine: CurlEngine, _ url: String, _ rule: AddressRule = .publicOnly()
    ) async -> CurlError.Code? {
        do throws(CurlError) {
            _ = try await engine.perform(request(url, rule))
            return nil
        } catch {
            return error.code
        }
    }

    private static func request(_ url: String, _ rule: AddressRule) -> HTTPRequest {
        HTTPRequest(url: url, timeouts: Timeouts(connect: .seconds(20), total: .seconds(30)), addressRule: rule)
    }
}
