// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Curl

/// One request at a time: to the backend directly, held durably, and held in memory.
struct AddedLatencyPart: Sendable {
    /// Durations of one way, sorted.
    struct Way: Sendable {
        /// Every request, the shortest first.
        var durations: [Duration] = []

        /// The duration that `share` (0…1) of all do not exceed.
        func quantile(_ share: Double) -> Duration {
            guard !durations.isEmpty else { return .zero }
            let rank = Int((share * Double(durations.count)).rounded(.up))
            return durations[min(max(rank - 1, 0), durations.count - 1)]
        }
    }

    /// What it comes to.
    struct Outcome: Sendable {
        /// The backend alone.
        var direct: Way
        /// Through the coordinator, the database and a worker.
        var durable: Way
        /// Through the coordinator alone.
        var inMemory: Way
    }

    let bench: LiveBench
    let fleet: BenchFleet
    let backend: BenchBackend

    /// Requests of each way that are not counted.
    private static let warmUps = 5
    private static let tag: UInt32 = 2

    /// Runs it.
    func run() async throws -> Outcome {
        let client = try await fleet.startCoordinator(more: ["--backend", backend.url])
        try await fleet.startWorker()
        BenchRun.say("\(bench.samples) requests one at a time, three ways")
        let engine = CurlEngine(EngineConfiguration(connectionsMax: 3, threadName: "latency"))
        let base = LiveBench.base(of: client) + "/batch/chat/completions"
        let ways: [(url: String, more: [(String, String)])] = [
            (backend.url + "/chat/completions", []), (base, []), (base, [("X-Shardline-Durable", "false")]),
        ]
        var durations = [[Duration]](repeating: [], count: ways.count)
        for number in 0..<(bench.samples + Self.warmUps) {
            for (index, way) in ways.enumerated() {
                let body = LiveBench.body(tag: Self.tag + UInt32(index), number: number)
                let took = try await send(body, to: way.url, way.more, engine)
                if number >= Self.warmUps { durations[index].append(took) }
            }
        }
        await engine.shutdown()
        await fleet.stop()
        let sorted = durations.map { Way(durations: $0.sorted()) }
        return Outcome(direct: sorted[0], durable: sorted[1], inMemory: sorted[2])
    }

    private func send(
        _ body: [UInt8], to url: String, _ more: [(String, String)], _ engine: CurlEngine
    ) async throws -> Duration {
        let headers = HTTPHeaders(
            [("Content-Type", "application/json"), ("Authorization", "Bearer \(fleet.apiKey)")] + more)
        let began = ContinuousClock.now
        let response = try await engine.perform(
            HTTPRequest(method: "POST", url: url, headers: headers, body: SharedBytes(body)))
        let took = ContinuousClock.now - began
        guard response.status == 200 else {
            throw BenchFault("\(url) answered \(response.status): \(String(decoding: response.body, as: UTF8.self))")
        }
        return took
    }
}
