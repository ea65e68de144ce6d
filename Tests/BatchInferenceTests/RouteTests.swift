// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Synchronization
import Testing

struct RouteTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }
    private let answer = CallReport.answered(latency: .milliseconds(5), tokens: 0)

    private func route(_ count: Int = 1, adjust: (inout BackendConfiguration, Int) -> Void = { _, _ in }) throws
        -> Route
    {
        let configurations = (0..<count).map { number in
            var configuration = BackendConfiguration(
                name: "b\(number)", baseURL: "http://127.0.0.1:9", models: [.any], concurrency: 100)
            adjust(&configuration, number)
            return configuration
        }
        let set = try BackendSet(configurations, version: "1")
        return try #require(set.route(model: "m", endpoint: "/v1/embeddings"))
    }

    private func fail(_ route: Route, _ times: Int, _ report: CallReport = .unreachable) throws {
        for _ in 0..<times { try #require(route.reserve(at: start)).end(report, at: start) }
    }

    @Test func `shards of a model and endpoint share one route`() throws {
        let set = try BackendSet(
            [BackendConfiguration(name: "b", baseURL: "http://127.0.0.1:9", models: [.any])], version: "1")
        let route = set.route(model: "m", endpoint: "/v1/embeddings")
        #expect(route != nil && route === set.route(model: "m", endpoint: "/v1/embeddings"))
        #expect(route !== set.route(model: "n", endpoint: "/v1/embeddings"))
        // However many models there are, the oldest routes go and their windows are used again.
        for number in 0..<(3 * BackendSet.routesMax) { _ = set.route(model: "\(number)", endpoint: "/v1/embeddings") }
        #expect(route !== set.route(model: "m", endpoint: "/v1/embeddings"))
    }

    @Test func `lines go to equal backends by weight, smoothly`() throws {
        let route = try route(2) { $0.weight = $1 == 0 ? 3 : 1 }
        let order = (0..<8).compactMap { _ in route.reserve(at: start)?.stopIndex }
        #expect(order.filter { $0 == 0 }.count == 6)
        #expect(order.indices.dropFirst(3).allSatisfy { !order[($0 - 3)...$0].allSatisfy { $0 == 0 } })
    }

    @Test func `a full or paused backend is passed over`() throws {
        let route = try route(2) { $0.concurrency = $1 == 0 ? 1 : 3 }
        let places = (0..<5).map { _ in route.reserve(at: start) }
        #expect(places.compactMap { $0?.stopIndex }.sorted() == [0, 1, 1, 1])
        #expect(!route.hasRoom(at: start) && route.room(at: start) == 0 && route.opensAt(start) == nil)
        places[0]?.end(.overloaded(retryAfter: .seconds(5)), at: start)
        #expect(!route.hasRoom(at: at(4.9)) && route.opensAt(start) == at(5))
        #expect(route.room(at: at(5)) == 1)
    }

    @Test func `the backend that failed a line gets it again only if nobody else can`() throws {
        let route = try route(2) { configuration, _ in configuration.concurrency = 2 }
        let order = (0..<4).compactMap { _ in route.reserve(avoiding: 0, at: start)?.stopIndex }
        #expect(order == [1, 1, 0, 0])
    }

    @Test func `a backend that cannot be reached is left alone, then tried with one call, and found again`() throws {
        let route = try route()
        let backend = route.backends[0]
        try fail(route, 10)
        #expect(route.reserve(at: at(0.9)) == nil && route.opensAt(start) == at(1))
        #expect(backend.failingFor(at: at(7)) == .seconds(7))
        let probe = try #require(route.reserve(at: at(1)))
        #expect(route.reserve(at: at(1)) == nil)
        probe.end(.unreachable, at: at(1))
        #expect(route.opensAt(at(1)) == at(3))
        let second = try #require(route.reserve(at: at(3)))
        second.cancel()
        try #require(route.reserve(at: at(3))).end(answer, at: at(3))
        #expect(backend.failingFor(at: at(4)) == nil && route.windowSizes == [64] && route.room(at: at(3)) == 64)
    }

    @Test func `lines that fail again and again keep nobody from their backend`() throws {
        let route = try route()
        for _ in 0..<50 { try #require(route.reserve(at: start)).end(.faulty, isRepeat: true, at: start) }
        #expect(route.room(at: start) == 64 && route.backends[0].failingFor(at: at(1)) == nil)
        // Nor do they prolong the pause of one that others found away.
        try fail(route, 10)
        for _ in 0..<5 { try #require(route.reserve(at: at(1))).end(.unreachable, isRepeat: true, at: at(1)) }
        try #require(route.reserve(at: at(1))).end(answer, at: at(1))
        #expect(route.room(at: at(1)) == 64)
    }

    @Test func `a wish to be left alone holds for every model of the backend`() throws {
        let set = try BackendSet(
            [BackendConfiguration(name: "b", baseURL: "http://127.0.0.1:9", models: [.any])], version: "1")
        let one = try #require(set.route(model: "m", endpoint: "/v1/embeddings"))
        let other = try #require(set.route(model: "n", endpoint: "/v1/embeddings"))
        try #require(one.reserve(at: start)).end(.overloaded(retryAfter: .seconds(3)), at: start)
        #expect(other.opensAt(start) == at(3) && other.reserve(at: at(2.9)) == nil && other.reserve(at: at(3)) != nil)
    }

    @Test func `a timeout halves the window once for all calls under way`() throws {
        let route = try route { configuration, _ in configuration.breakerFailures = 1_000 }
        let places = (0..<64).compactMap { _ in route.reserve(at: start) }
        for place in places { place.end(.timedOut, at: at(1)) }
        #expect(route.windowSizes == [32])
    }

    @Test func `a capped backend gets no call before a share, and never more than it`() throws {
        let route = try route { configuration, _ in configuration.clusterConcurrency = 10 }
        let backend = route.backends[0]
        #expect(backend.share == 0 && !route.hasRoom(at: start) && backend.appetite == 64)
        backend.setShare(3, at: start)
        let places = (0..<10).compactMap { _ in route.reserve(at: start) }
        #expect(places.count == 3)
        backend.setShare(1, at: start)
        places[0].end(answer, at: start)
        #expect(route.reserve(at: start) == nil && backend.inFlight == 2)
    }

    @Test func `rates per minute hold calls back until time lets them go`() throws {
        let calls = try route { configuration, _ in configuration.requestsPerMinute = 60 }
        #expect(calls.room(at: start) == 1)
        try #require(calls.reserve(at: start)).end(answer, at: start)
        #expect(calls.reserve(at: start) == nil)
        let opening = try #require(calls.opensAt(start))
        #expect(opening > at(0.9) && opening < at(1.1) && calls.hasRoom(at: opening))

        let tokens = try route { configuration, _ in configuration.tokensPerMinute = 60_000 }
        try #require(tokens.reserve(at: start)).end(.answered(latency: .seconds(1), tokens: 11_000), at: start)
        let paid = try #require(tokens.opensAt(start))
        #expect(paid > at(9) && paid < at(12) && !tokens.hasRoom(at: at(9)) && tokens.hasRoom(at: paid))
    }

    @Test func `threads that share a backend never exceed its limit, and every place comes back`() async throws {
        let route = try route(2) { configuration, _ in configuration.concurrency = 3 }
        let most = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var most = 0
                    for number in 0..<5_000 {
                        guard let place = route.reserve(at: .now) else { continue }
                        most = max(most, route.backends.map(\.inFlight).max() ?? 0)
                        if number % 7 == 0 { place.cancel() } else { place.end(self.answer, at: .now) }
                    }
                    return most
                }
            }
            return await group.reduce(0, max)
        }
        #expect((1...3).contains(most))
        #expect(route.backends.map(\.inFlight) == [0, 0])
    }
}
