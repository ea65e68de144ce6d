// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Synchronization

/// One round: batches under way all the time while faults happen, then quiet, then the check.
struct ChaosRound: Sendable {
    /// From 0.
    let number: Int
    /// The campaign.
    let plan: ChaosPlan
    /// The processes.
    let fleet: BenchFleet
    /// The API.
    let desk: ChaosDesk
    /// Who inflicts the faults.
    let injector: ChaosInjector
    /// When they were inflicted.
    let timeline: ChaosTimeline
    /// What was found.
    let findings: ChaosFindings

    /// When the faults are over, and until when everything has to have ended.
    private final class Ending: Sendable {
        private let quietSince = Mutex<ContinuousClock.Instant?>(nil)

        var isQuiet: Bool { quietSince.withLock { $0 != nil } }
        func quiet() { quietSince.withLock { $0 = .now } }
        /// While faults go on, the end is as far away as it was at first.
        func deadline(_ limit: Duration) -> ContinuousClock.Instant { (quietSince.withLock { $0 } ?? .now) + limit }
    }

    /// Runs the round to the end of its last batch.
    func run() async throws -> [ChaosBatch.Ended] {
        let seed = plan.seed(ofRound: number)
        let schedule = ChaosSchedule(seed: seed, kills: plan.kills(ofRound: number), lease: plan.lease)
        let ending = Ending()
        return try await withThrowingTaskGroup(of: [ChaosBatch.Ended].self) { group in
            group.addTask {
                try await injector.run(schedule)
                ending.quiet()
                return []
            }
            for lane in 0..<plan.lanes {
                group.addTask { try await run(lane: lane, seed: seed, ending) }
            }
            var all: [ChaosBatch.Ended] = []
            for try await ended in group { all += ended }
            return all
        }
    }

    /// One batch after another, as long as faults go on; at least one.
    private func run(lane: Int, seed: UInt64, _ ending: Ending) async throws -> [ChaosBatch.Ended] {
        var random = SeededNumbers(seed: seed ^ (UInt64(lane + 1) << 48))
        var all: [ChaosBatch.Ended] = []
        repeat {
            let lines = max(plan.lines / 4 + random.index(below: plan.lines - plan.lines / 4 + 1), 1)
            // Every sixth is cancelled on its way.
            let cancelAfter = random.index(below: 6) == 0 ? random.unit() * 0.8 : nil
            let tag = UInt32(number) << 16 | UInt32(lane) << 12 | UInt32(all.count & 0xFFF)
            let input = try BenchInput(
                lines: lines, lineBytes: ChaosPlan.lineBytes, endpoint: "/v1/chat/completions", model: "bench",
                tag: tag)
            let batch = ChaosBatch(
                input: input, name: "round-\(number)-\(lane)-\(all.count)", cancelAfter: cancelAfter)
            all.append(
                try await batch.run(
                    desk: desk, directory: fleet.directory, findings: findings, timeline: timeline,
                    until: { ending.deadline(plan.limit) }))
        } while !ending.isQuiet
        return all
    }
}
