// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Curl
import HTTPTesting
import Synchronization
import Testing

/// Lines that name files of their own, in a network full of addresses that users must not reach.
@Suite(
    .serialized, .enabled(if: NetworkOfItsOwn.refusal == nil, "\(NetworkOfItsOwn.refusal ?? "")")
)
struct HostileFileURLTests {
    private let engines = CallEngines(connections: 4, userAgent: "test", logger: nil)

    /// What a line with this `file_url` comes to; nil when its file was fetched.
    private func refusal(_ url: String, allowing: AddressAllowList = .none) async throws -> String? {
        let backend = BackendConfiguration(name: "b", baseURL: "http://127.0.0.1:9/v1", models: [.any], attemptsMax: 1)
        let set = try BackendSet([backend], version: "0")
        let route = try #require(set.route(model: "w", endpoint: "/v1/audio/transcriptions"))
        let place = try #require(route.reserve(at: .now))
        let caller = LineCaller(
            engines: engines, worker: WorkerID(rawValue: "w"),
            audio: AudioRules(addressRule: .publicOnly(allowing: allowing)))
        let body = JSONValue.object([.init("file_url", .string(url))]).bytes
        let request = LineRequest(
            ordinal: 0, customID: [], body: SharedBytes(body), attempt: 1, windowEnds: .now + .seconds(60))
        let result = await withCheckedContinuation { continuation in
            let result = caller.start(request, at: place, as: CallHandle()) { continuation.resume(returning: $0) }
            if let result { continuation.resume(returning: result) }
        }
        switch result {
        case .finished(let outcome):
            guard case .noResponse(let code, let message) = outcome.kind else { return "\(outcome.kind)" }
            // Nothing of what a name resolved to is told.
            #expect(!message.contains("10.0.0.5") && !message.contains("127.0.0.1"))
            return code
        case .again(let order): return order.upload == nil ? "again" : nil
        case .windowOver, .aborted: return "\(result)"
        }
    }

    @Test func `no file_url leads to an inner address, written or resolved, and none is called`() async throws {
        try await NetworkOfItsOwn.run(hosts: ["10.0.0.5 inside.test", "203.0.114.9 outside.test"]) {
            let network = try HostileNetwork()
            let hosts = [
                "127.0.0.1", "2130706433", "0x7f.1", "localhost", "a.localhost", "10.0.0.5", "169.254.169.254",
                "100.100.100.200", "192.168.7.7", "[::1]", "[::ffff:10.0.0.5]", "[fd00::5]", "[64:ff9b::a00:5]",
                "inside.test", "me@203.0.114.9", "203.0.114.9@10.0.0.5",
            ]
            for host in hosts {
                let code = try await refusal(HostileNetwork.url(host, "/a.wav"))
                #expect(code == "file_url_not_allowed", "\(host): \(code ?? "was fetched")")
            }
            #expect(network.connectionCount == 0, "reached: \(network.visited)")
            #expect(try await refusal(HostileNetwork.url("203.0.114.9", "/a.wav")) == nil)
            #expect(try await refusal(HostileNetwork.url("outside.test", "/a.wav")) == nil)
            let allowed = try AddressAllowList(parsing: "10.0.0.0/8")
            #expect(try await refusal(HostileNetwork.url("inside.test"), allowing: allowed) == nil)
            #expect(Set(network.visited) == ["203.0.114.9", "10.0.0.5"])
        }
    }

    @Test func `a redirect leads nowhere`() async throws {
        try await NetworkOfItsOwn.run {
            let network = try HostileNetwork { target, connection in
                guard target == "/away" else { return false }
                try connection.respond(302, headers: [("Location", HostileNetwork.url("10.0.0.5"))])
                return true
            }
            #expect(try await refusal(HostileNetwork.url("203.0.114.9", "/away")) == "file_url_unreachable")
            #expect(network.visited == ["203.0.114.9"])
        }
    }
}
