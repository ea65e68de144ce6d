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
    /// Shards that this worker has no use for, and when it got them.
    private let refused = Mutex<[(lease: Lease, at: ContinuousClock.Instant)]>([])

    /// Nothing is started for a batch whose window ends sooner than this: no call would be back in time.
    private static let secondsLeftMin = 1.0

    /// A room that claims for `worker` what `backends` serve.
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
        try await releaseRefused()
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
        let useless = claims.filter { !take($0, claimedAt: claimedAt) }.map { (lease: $0.lease, at: claimedAt) }
        refused.withLock { $0 += useless }
        desk.expectMore(claims.count == limit, lowWater: lowWater)
        return nil
    }

    /// Gives useless shards back, not before `pollEvery`: at once, they would be claimed again at once.
    private func releaseRefused() async throws {
        let now = ContinuousClock.now
        let due = refused.withLock { refused in
            let due = refused.filter { now - $0.at >= configuration.pollEvery }
            refused.removeAll { now - $0.at >= configuration.pollEvery }
            return due
        }
        // Should this fail, the leases run out by themselves.
        if !due.isEmpty { _ = try await store.releaseShards(worker: worker, due.map(\.lease)) }
    }

    /// Puts a shard on the desk; false when this worker has no use for it.
    private func take(_ claim: ClaimedShard, claimedAt: ContinuousClock.Instant) -> Bool {
        guard claim.secondsLeft >= Self.secondsLeftMin else { return false }
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
            // Given back, it would be claimed again: the lease runs out instead, and counts as an attempt.
            logger.error(
                "the lines of a shard cannot be read; its lease is left to run out",
                metadata: ["shard": "\(claim.lease.shard)", "error": "\(error)"])
        }
        return true
    }
}
