// SPDX-License-Identifier: Apache-2.0
import Curl

/// The bench's backend as a process of its own, seen from the bench.
struct BenchBackend: Sendable {
    /// Base URL for a fleet, with `/v1`.
    let url: String
    /// The process.
    let process: BenchProcess
    private let engine: CurlEngine

    /// What its ready line begins with.
    static let readyLine = "shardline backend ready url="
    /// Longest time for a question to it.
    private static let patience = Duration.seconds(10)

    /// Starts a backend that behaves like `plan`.
    static func start(
        _ plan: BackendPlan, environment: [String: String], directory: BenchDirectory
    ) async throws -> BenchBackend {
        let process = try BenchProcess(
            "backend", ["bench", "backend"] + plan.arguments, environment: environment, directory: directory)
        do {
            let url = try await process.ready(readyLine)
            let engine = CurlEngine(EngineConfiguration(connectionsMax: 2, threadName: "backend"))
            return BenchBackend(url: url, process: process, engine: engine)
        } catch {
            await process.stop()
            throw error
        }
    }

    /// Its counters.
    func counters() async throws -> BackendCounters {
        try BackendCounters.read(try await ask("GET", "/stats"))
    }

    /// Makes it reset every connection to it.
    func cutConnections() async throws {
        _ = try await ask("POST", "/cut")
    }

    private func ask(_ method: String, _ path: String) async throws -> [UInt8] {
        let root = url.hasSuffix("/v1") ? String(url.dropLast(3)) : url
        var request = HTTPRequest(
            method: method, url: root + path,
            timeouts: Timeouts(
                connect: Self.patience, firstByte: Self.patience, idle: Self.patience, total: Self.patience))
        if method == "POST" { request.body = SharedBytes([]) }
        let response = try await engine.perform(request)
        guard response.status == 200 else { throw BenchFault("the backend answered \(response.status) to \(path)") }
        return response.body
    }
}
