// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Logging
import Loops
import Synchronization

/// The Claim room: keeps enough lines on hand, and never more than the worker may hold.
final class ShardClaimer: Sendable {
    private let worker: WorkerID
    private let configuration: WorkerConfiguration
    private let store: any WorkerStore
    private let backends: BackendSet
    private let desk: CallDesk
    private let statistics: WorkerStatistics
    private let logger: Logger
    private let plan: Mutex<ClaimPlan>

    init(
        worker: WorkerID, configuration: WorkerConfiguration, store: any WorkerStore, backends: BackendSet,
        desk: CallDesk, statistics: WorkerStatistics, logger: Logger
    ) {
        self.worker = worker
        self.configuration = configuration
        self.store = store
        self.backends = backends
        self.desk = desk
        self.statistics = statistics
        self.logger = logger
        self.plan = Mutex(
            ClaimPlan(
                concurrency: configuration.concurrency, linesMax: configuration.heldLinesMax,
                bytesMax: configuration.heldBytesMax, shardsMax: configuration.claimShardsMax))
    }

    /// Claims what is short. Woken by shortage and by NOTIFY; otherwise looks every `pollEvery`.
    func poll() async throws -> Duration? {
        guard !desk.isQuiet else { return nil }
        let hand = desk.hand
        let claimedAt = ContinuousClock.now
        let (limit, lowWater) = plan.withLock { ($0.shards(for: hand, at: claimedAt), $0.lowWater) }
        guard limit > 0 else {
            desk.expectMore(true, lowWater: lowWater)
            return nil
        }
        let claims = try await store.claimShards(worker: worker, limit: limit, lease: configuration.lease)
        statistics.countClaim(shards: claims.count, .now - claimedAt)
        plan.withLock { $0.learn(shards: claims.count, lines: claims.reduce(0) { $0 + $1.lineCount }) }
        let unserved = claims.filter { !take($0, claimedAt: claimedAt) }.map(\.lease)
        if !unserved.isEmpty {
            _ = try await store.releaseShards(worker: worker, unserved)
        }
        // Shards that nobody here serves would be claimed again at once.
        desk.expectMore(claims.count == limit && unserved.isEmpty, lowWater: lowWater)
        return nil
    }

    /// Puts a shard on the desk; false when no backend of this worker serves its model.
    private func take(_ claim: ClaimedShard, claimedAt: ContinuousClock.Instant) -> Bool {
        guard let route = backends.route(model: claim.model, endpoint: claim.endpoint) else {
            logger.warning(
                "no backend here serves the model of a shard; it goes back",
                metadata: ["shard": "\(claim.lease.shard)", "model": "\(claim.model)"])
            return false
        }
        do {
            let lines = try PackedLines(claim.pack)
            guard lines.count == claim.lineCount else { throw PackFault.trailingBytes(offset: claim.pack.count) }
            desk.add(claim, route: route, lines: lines, claimedAt: claimedAt)
        } catch {
            // Giving it back would have it claimed again at once: the lease runs out instead, and counts as an attempt.
            logger.error(
                "the lines of a shard cannot be read; its lease is left to run out",
                metadata: ["shard": "\(claim.lease.shard)", "error": "\(error)"])
        }
        return true
    }
}
