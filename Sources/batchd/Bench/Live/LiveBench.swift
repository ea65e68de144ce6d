// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Sends batch chat requests through a fleet.
struct LiveBench: Sendable {
    /// What can be measured.
    enum Part: String, CaseIterable, Hashable, Sendable {
        case held
        case latency
        case restart
    }

    /// Callers of the first part.
    let callers: Int
    /// Requests of each.
    let tasks: Int
    /// Calls that the worker has under way, and the backend answers, at the same time.
    let slots: Int
    /// What the backend takes for an answer.
    let latency: ClosedRange<Duration>
    /// Requests of the second part, each way.
    let samples: Int
    /// Callers of the third part.
    let restartCallers: Int
    /// What is measured.
    let parts: Set<Part>
    /// Longest time for one request.
    let limit: Duration

    /// Requests of each caller in the third part.
    static let restartTasks = 2

    /// Runs all parts in a fleet that has nothing started yet but the backend.
    func run(in fleet: BenchFleet, backend: BenchBackend) async throws -> BenchReport {
        let before = MachineState.current
        var report = LiveReport(bench: self)
        if parts.contains(.held) {
            report.held = try await HeldPart(bench: self, fleet: fleet, backend: backend).run()
        }
        if parts.contains(.latency) {
            report.added = try await AddedLatencyPart(bench: self, fleet: fleet, backend: backend).run()
        }
        if parts.contains(.restart) {
            report.restart = try await RestartPart(bench: self, fleet: fleet, backend: backend).run()
        }
        return report.made(BenchSurroundings(before: before, after: .current, othersCores: nil))
    }

    /// A chat request whose text bears a marker of its own, so that the backend's log tells it from all others.
    static func body(tag: UInt32, number: Int) -> [UInt8] {
        var marker: [UInt8] = []
        LineMarker(tag: tag, number: UInt32(number)).append(to: &marker)
        let prompt = String(decoding: marker, as: UTF8.self) + " 常见的十字花科植物有哪些?"
        return ChatPlan.body(model: "bench", system: "你是豆包,是由字节跳动开发的 AI 人工智能助手", prompt: prompt)
    }

    /// Where batch chat is at the fleet's coordinator.
    static func base(of client: Client) -> String { client.address.description + "/api/v3" }
}
