// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Curl
import HTTPTesting
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct BackendProberTests {
    private let engine = CurlEngine(EngineConfiguration())
    private let logger = Logger(label: "test")

    private func watch(
        _ base: String, adjust: (inout BackendConfiguration) -> Void
    ) throws -> (BackendProber, Route) {
        var configuration = BackendConfiguration(name: "b", baseURL: base, apiKey: "sk-test", models: [.any])
        adjust(&configuration)
        let set = try BackendSet([configuration], version: "1")
        let route = try #require(set.route(model: "m", endpoint: "/v1/embeddings"))
        return (BackendProber(set, engine: engine, logger: logger), route)
    }

    @Test func `a backend that says it is ill gets no calls until it says it is well, and then one first`() async throws
    {
        let status = Atomic<Int>(200)
        let asked = Mutex<[ScriptedRequest]>([])
        let server = try ScriptedServer { request, connection in
            asked.withLock { $0.append(request) }
            try connection.respond(status.load(ordering: .relaxed), text: "")
        }
        let (prober, route) = try watch(server.url("/v1")) {
            $0.healthPath = "/health"
            $0.healthEvery = .seconds(9)
        }
        let first = await prober.poll()
        #expect(route.room(at: .now) == 64)
        #expect(try #require(first) <= .seconds(9))
        let request = try #require(asked.withLock { $0.first })
        #expect(request.method == "GET" && request.target == "/health")
        #expect(request.header("Authorization") == "Bearer sk-test")

        status.store(503, ordering: .relaxed)
        _ = await prober.poll(at: .now + .seconds(10))
        #expect(route.backends[0].isDown)
        #expect(route.reserve(at: .now + .seconds(1_000)) == nil && route.opensAt(.now) == nil)

        status.store(204, ordering: .relaxed)
        _ = await prober.poll(at: .now + .seconds(20))
        #expect(!route.backends[0].isDown && route.room(at: .now) == 1)
        try #require(route.reserve(at: .now)).end(.answered(latency: .seconds(1), tokens: 0), at: .now)
        #expect(route.room(at: .now) == 64)
        server.stop()
        _ = await prober.poll(at: .now + .seconds(30))
        #expect(route.backends[0].isDown)
    }

    @Test func `calls make way while requests wait, and come back when none does`() async throws {
        let waiting = Atomic<Int>(0)
        let server = try ScriptedServer { request, connection in
            // Somebody else's address: the key stays at home.
            #expect(request.header("Authorization") == nil)
            let count = waiting.load(ordering: .relaxed)
            try connection.respond(
                text: """
                    # HELP vllm:num_requests_waiting Number of requests waiting.
                    vllm:num_requests_waiting_by_reason{reason="capacity"} 9.0
                    vllm:num_requests_running{model_name="m"} 12.0
                    vllm:num_requests_waiting{engine="0",model_name="a b"} \(count).0

                    """)
        }
        let (prober, route) = try watch(server.url("/v1")) {
            $0.yieldsToLive = true
            $0.metricsURL = server.url("/metrics")
            $0.windowFloor = 2
        }
        let places = (0..<64).compactMap { _ in route.reserve(at: .now) }
        waiting.store(3, ordering: .relaxed)
        _ = await prober.poll()
        #expect(route.backends[0].appetite == 32 && !route.hasRoom(at: .now))
        for place in places { place.end(.aborted, at: .now) }
        #expect(route.room(at: .now) == 32)
        waiting.store(0, ordering: .relaxed)
        _ = await prober.poll(at: .now + .seconds(40))
        #expect(route.room(at: .now) == 64)
    }

    @Test func `metrics that cannot be had change nothing`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond(404, text: "") }
        let (prober, route) = try watch(server.url("/v1")) {
            $0.yieldsToLive = true
            $0.metricsURL = server.url("/metrics")
        }
        _ = await prober.poll()
        #expect(route.room(at: .now) == 64 && prober.isNeeded)
    }

    @Test func `nobody is asked who need not be`() async throws {
        let (prober, _) = try watch("http://127.0.0.1:9") { $0.metricsURL = "http://127.0.0.1:9/metrics" }
        let next = await prober.poll()
        #expect(!prober.isNeeded && next == nil)
    }
}
