// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import HTTPTesting
import Testing

/// Names that resolve to what their owner likes, asked of a real resolver.
@Suite(
    .serialized, .enabled(if: NetworkOfItsOwn.refusal == nil, "\(NetworkOfItsOwn.refusal ?? "")")
)
struct HostileNameTests {
    private static let outside = HostileNetwork.octets("203.0.114.9")
    private static let inside = HostileNetwork.octets("10.0.0.5")
    private static let here: [UInt8] = HostileNetwork.octets("127.0.0.1")
    private static let metadata = HostileNetwork.octets("169.254.169.254")
    /// A public address that nobody has.
    private static let nobody = HostileNetwork.octets("203.0.114.77")
    private static let hereIPv6 = [UInt8](repeating: 0, count: 15) + [1]

    @Test func `a name that is public first and loopback next is refused then`() async throws {
        try await NetworkOfItsOwn.run {
            _ = try NameServer { name, number in
                name == "rebind.test" ? [number == 1 ? Self.outside : Self.here] : []
            }
            let network = try HostileNetwork()
            let url = HostileNetwork.url("rebind.test")
            try await withEngine { engine in
                try await HostileNetwork.expect("203.0.114.9", engine, url)
            }
            // Another engine has not kept the first answer.
            for _ in 0..<3 {
                try await withEngine { engine in
                    #expect(await HostileNetwork.refusal(engine, url) == .addressRefused)
                }
            }
            #expect(network.visited == ["203.0.114.9"])
            #expect(network.connectionCount == 1)
        }
    }

    @Test func `of a name with addresses of both kinds only the public ones are dialled`() async throws {
        try await NetworkOfItsOwn.run {
            let answers: [String: [[UInt8]]] = [
                "a.test": [Self.outside, Self.here], "b.test": [Self.here, Self.outside],
                "c.test": [Self.metadata, Self.hereIPv6, Self.outside],
                "d.test": [Self.hereIPv6, Self.outside],
            ]
            _ = try NameServer { name, _ in answers[name] ?? [] }
            let network = try HostileNetwork()
            for name in answers.keys.sorted() {
                try await withEngine { engine in
                    try await HostileNetwork.expect("203.0.114.9", engine, HostileNetwork.url(name))
                }
            }
            #expect(Set(network.visited) == ["203.0.114.9"])
            #expect(network.connectionCount == answers.count)
        }
    }

    @Test func `when the public address does not answer, the others of the name are no way out`() async throws {
        try await NetworkOfItsOwn.run {
            let answers: [String: [[UInt8]]] = [
                "a.test": [Self.nobody, Self.here], "b.test": [Self.here, Self.nobody],
                "c.test": [Self.nobody, Self.hereIPv6, Self.metadata, Self.inside], "d.test": [Self.inside],
                "e.test": [Self.hereIPv6], "f.test": [Self.metadata],
            ]
            _ = try NameServer { name, _ in answers[name] ?? [] }
            let network = try HostileNetwork()
            for name in answers.keys.sorted() {
                try await withEngine { engine in
                    #expect(await HostileNetwork.refusal(engine, HostileNetwork.url(name)) == .addressRefused)
                }
            }
            #expect(network.connectionCount == 0)
        }
    }

    @Test func `a connection that the operator's request left open is not taken for a user's`() async throws {
        try await NetworkOfItsOwn.run {
            _ = try NameServer { name, number in
                name == "flip.test" ? [number == 1 ? Self.inside : Self.outside] : []
            }
            let network = try HostileNetwork()
            try await withEngine { engine in
                let url = HostileNetwork.url("flip.test")
                try await HostileNetwork.expect("10.0.0.5", engine, url, .any)
                try await HostileNetwork.expect("10.0.0.5", engine, url, .any)
                #expect(network.connectionCount == 1, "the operator's own requests share it")
                #expect(await HostileNetwork.refusal(engine, url) == .addressRefused)
                #expect(await HostileNetwork.refusal(engine, HostileNetwork.url("10.0.0.5")) == .addressRefused)
            }
            #expect(network.visited == ["10.0.0.5", "10.0.0.5"])
            #expect(network.connectionCount == 1)
        }
    }

    @Test func `an allowed name or block opens itself and nothing beside it`() async throws {
        try await NetworkOfItsOwn.run(hosts: ["10.0.0.5 hooks.internal", "10.0.0.5 other.internal"]) {
            _ = try NameServer { name, _ in name.hasSuffix(".corp.test") ? [Self.inside] : [] }
            let network = try HostileNetwork()
            func refusal(_ list: String, _ host: String) async throws -> CurlError.Code? {
                let rule = AddressRule.publicOnly(allowing: try AddressAllowList(parsing: list))
                var code: CurlError.Code?
                try await withEngine { code = await HostileNetwork.refusal($0, HostileNetwork.url(host), rule) }
                return code
            }
            let open = [
                ("hooks.internal", "hooks.internal"), ("A.corp.test", "a.CORP.test."),
                ("hooks.internal", "%68ooks.internal"), (".corp.test", "a.b.corp.test"),
                ("10.0.0.0/8", "10.0.0.5"), ("10.0.0.5", "other.internal"), ("10.0.0.5", "167772165"),
                ("fd00::/8", "[fd00::5]"), ("127.0.0.0/8", "localhost"), ("localhost", "localhost"),
                ("169.254.169.254", "169.254.169.254"), ("::/0 0.0.0.0/0", "[64:ff9b::a00:5]"),
            ]
            for (list, host) in open {
                #expect(try await refusal(list, host) == nil, "\(list) \(host)")
            }
            let before = network.connectionCount
            let closed = [
                ("hooks.internal", "other.internal"), ("hooks.internal", "10.0.0.5"), ("hooks.internal", "localhost"),
                ("10.0.0.0/8", "169.254.169.254"), ("10.0.0.4", "10.0.0.5"), ("10.0.0.5", "127.0.0.1"),
                ("10.0.0.5", "[::ffff:10.0.0.5]"), ("10.0.0.5", "[64:ff9b::a00:5]"), ("fd00::/16", "[::1]"),
                (".internal", "a.corp.test"), ("0.0.0.0/0", "[::1]"), ("localhost", "127.0.0.1"),
            ]
            for (list, host) in closed {
                #expect(try await refusal(list, host) == .addressRefused, "\(list) \(host)")
            }
            #expect(network.connectionCount == before)
        }
    }
}
