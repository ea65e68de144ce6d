// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import HTTPTesting
import Synchronization
import Testing

/// The guard against real sockets, where a request that got through would be seen.
@Suite(
    .serialized, .enabled(if: NetworkOfItsOwn.refusal == nil, "\(NetworkOfItsOwn.refusal ?? "")")
)
struct HostileAddressTests {
    private static let port = HostileNetwork.port

    @Test func `no way to write an inner address gets a user's request there`() async throws {
        let hosts = [
            "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0X7F.0.0.1", "0x7f000001", "2130706433", "017700000001",
            "0177.0.0.01", "0", "0.0.0.0", "00000000000", "127.0.0.1.", "127.255.255.254", "localhost", "LOCALHOST",
            "localhost.", "a.localhost", "%31%32%37.0.0.1", "%6c%6f%63alhost", "127%2e0%2e0%2e1", "127.0.0.1%2e",
            "\u{FF11}\u{FF12}\u{FF17}.\u{FF10}.\u{FF10}.\u{FF11}", "127\u{3002}0\u{3002}0\u{3002}1",
            "127\u{FF0E}0\u{FF61}0.1", "\u{2460}\u{2461}\u{2466}.0.0.1", "\u{24DB}ocalhost", "10.0.0.5", "10.5",
            "167772165", "012.0.0.5", "169.254.169.254", "2852039166", "0xa9fea9fe", "169.16689662",
            "\u{2460}69.254.169.254", "100.100.100.200", "172.16.5.5", "192.168.7.7", "198.18.0.7", "168.63.129.16",
            "255.255.255.255", "224.0.0.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::ffff:127.0.0.1]",
            "[::FFFF:7F00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:10.0.0.5]",
            "[::ffff:0:127.0.0.1]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25lo]", "[fe80::1%251]", "[fd00::5]",
            "[FD00::5]", "[fec0::5]", "[64:ff9b::a00:5]", "[64:ff9b::10.0.0.5]", "[2002:a00:5::1]", "[2001:0:4136::1]",
            "[2001:db8::5]", "[2a00:1450::5efe:a00:5]", "[ff02::1]", "inside.test", "INSIDE.test.", "", ".", "..",
            "me@127.0.0.1", "203.0.114.9@127.0.0.1", "203.0.114.9:8080@127.0.0.1", "@127.0.0.1", ":@localhost",
        ]
        try await NetworkOfItsOwn.run(hosts: ["10.0.0.5 inside.test"]) {
            let network = try HostileNetwork()
            try await withEngine { engine in
                for host in hosts {
                    let code = await HostileNetwork.refusal(engine, HostileNetwork.url(host))
                    let reasons: Set<CurlError.Code?> = [.addressRefused, .badURL, .couldNotResolve]
                    #expect(reasons.contains(code), "\(host): \(code.map { "\($0)" } ?? "was answered")")
                }
                #expect(network.connectionCount == 0, "reached: \(network.visited)")
                // The same listener can be reached: by a request to a public address, and by the operator's.
                for address in HostileNetwork.publicAddresses {
                    let host = address.contains(":") ? "[\(address)]" : address
                    try await HostileNetwork.expect(address, engine, HostileNetwork.url(host))
                }
                for address in HostileNetwork.addresses + ["127.0.0.1", "::1"] {
                    let host = address.contains(":") ? "[\(address)]" : address
                    try await HostileNetwork.expect(address, engine, HostileNetwork.url(host), .any)
                }
            }
        }
    }

    @Test func `texts that readers of URLs understand differently lead outside or nowhere`() async throws {
        let port = Self.port
        let urls = [
            "http://127.0.0.1:\(port)\\@203.0.114.9:\(port)/", "http://203.0.114.9:\(port)\\@127.0.0.1:\(port)/",
            "http://203.0.114.9:\(port)#@127.0.0.1:\(port)/", "http://203.0.114.9:\(port)?@127.0.0.1:\(port)/",
            "http://203.0.114.9:\(port)/@127.0.0.1:\(port)/", "http://127.0.0.1:\(port)#@203.0.114.9:\(port)/",
            "http:127.0.0.1:\(port)/", "http:/127.0.0.1:\(port)/", "http:///127.0.0.1:\(port)/", "127.0.0.1:\(port)",
            "http://203.0.114.9:\(port)@127.0.0.1:\(port)@203.0.114.9:\(port)/", "http://[::1]@203.0.114.9:\(port)/",
            "http://203.0.114.9[127.0.0.1]:\(port)/", "http://[203.0.114.9]127.0.0.1:\(port)/",
            "http://203.0.114.9:\(port):\(port)/", "http://203.0.114.9%00.127.0.0.1:\(port)/",
            "http://127.0.0.1%00.203.0.114.9:\(port)/", "http://127.0.0.1%23.203.0.114.9:\(port)/",
            "HTTP://127.0.0.1:\(port)/", "https://127.0.0.1:\(port)/", "ftp://127.0.0.1:\(port)/",
            "gopher://127.0.0.1:\(port)/_GET%20/", "dict://127.0.0.1:\(port)/x", "file:///etc/passwd",
            "telnet://127.0.0.1:\(port)/", "ldap://127.0.0.1:\(port)/", "smb://127.0.0.1:\(port)/x",
            "http+unix://%2Ftmp%2Fx/", "ws://127.0.0.1:\(port)/",
        ]
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork()
            try await withEngine { engine in
                for url in urls {
                    _ = await HostileNetwork.refusal(engine, url)
                    #expect(HostileNetwork.publicAddresses.isSuperset(of: network.visited), "\(url)")
                }
                #expect(network.connectionCount == network.visited.count, "connections without a request")
            }
        }
    }

    @Test func `no redirect is followed under a rule, wherever it leads`() async throws {
        let port = Self.port
        let places = [
            "http://127.0.0.1:\(port)/", "http://169.254.169.254:\(port)/latest/meta-data/", "http://[::1]:\(port)/",
            "http://10.0.0.5:\(port)/", "//127.0.0.1:\(port)/", "/there", "http://203.0.114.10:\(port)/",
            "file:///etc/passwd", "http://localhost:\(port)/",
        ]
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork { target, connection in
                let parts = target.split(separator: "/")
                guard parts.count == 2, let status = Int(parts[0]), let index = Int(parts[1]) else { return false }
                let headers = [
                    ("Location", places[index]), ("Refresh", "0; url=\(places[index])"),
                    ("Alt-Svc", "http/1.1=\"127.0.0.1:\(port)\""), ("Content-Location", places[index]),
                ]
                try connection.respond(status, headers: headers)
                return true
            }
            try await withEngine { engine in
                for status in [300, 301, 302, 303, 305, 307, 308] {
                    for index in places.indices {
                        let url = HostileNetwork.url("203.0.114.9", "/\(status)/\(index)")
                        let response = try await engine.perform(
                            HTTPRequest(url: url, followsRedirects: true, addressRule: .publicOnly()))
                        #expect(response.status == status)
                    }
                }
                #expect(Set(network.visited) == ["203.0.114.9"])
                #expect(network.visited.count == 7 * places.count)
                // Where the operator named the URL, the same server's redirects are followed.
                let followed = try await engine.perform(
                    HTTPRequest(url: HostileNetwork.url("203.0.114.9", "/302/0"), followsRedirects: true))
                #expect(followed.status == 200)
                #expect(network.visited.last == "127.0.0.1")
            }
        }
    }

    @Test func `a proxy of the environment is not asked to go where the user's request may not`() async throws {
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork()
            #expect(HostileEnvironment.installed)
            for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
                setenv(name, HostileNetwork.url("203.0.114.9"), 1)
            }
            try await withEngine { engine in
                for host in ["10.0.0.5", "127.0.0.1", "169.254.169.254"] {
                    #expect(await HostileNetwork.refusal(engine, HostileNetwork.url(host)) == .addressRefused)
                }
                #expect(network.connectionCount == 0)
                let reached = try await HostileNetwork.get(engine, HostileNetwork.url("203.0.114.10"))
                #expect(reached == "203.0.114.10")
            }
        }
    }

    @Test func `downloads and uploads are guarded like requests`() async throws {
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork()
            try await withEngine { engine in
                let request = HTTPRequest(
                    method: "PUT", url: HostileNetwork.url("10.0.0.5"), followsRedirects: true,
                    addressRule: .publicOnly())
                let download = await #expect(throws: CurlError.self) { try await engine.download(request) }
                #expect(download?.code == .addressRefused)
                let upload = await #expect(throws: CurlError.self) {
                    try await engine.upload(request, body: UploadBody([.bytes(SharedBytes([1, 2, 3]))]))
                }
                #expect(upload?.code == .addressRefused)
            }
            #expect(network.connectionCount == 0)
        }
    }
}
