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
    /// Batches whose model nothing here serves, and until when they are left to other workers.
    private let unserved = Mutex<[BatchID: ContinuousClock.Instant]>([:])

    /// How long a batch that cannot be served here is left alone: a restart with other backends forgets it anyway.
    private static let unservedFor = Duration.seconds(60)
    /// Most batches left alone at once.
    private static let unservedMax = 1_000

    /// How often an idle worker asks the others for work.
    private static let hungerEvery = Duration.milliseconds(500)

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
                linesMax: configuration.heldLinesMax, bytesMax: configuration.heldBytesMax,
                shardsMax: configuration.claimShardsMax))
    }

    /// Claims what is short. Woken by shortage and by NOTIFY; otherwise looks every `pollEvery`.
    func poll() async throws -> Duration? {
        guard !desk.isQuiet else { return nil }
        let news = desk.takeClaimNews()
        if news.live { try await claimLive() }
        guard news.others else { return nil }
        let hand = desk.hand
        let claimedAt = ContinuousClock.now
        let (limit, lowWater) = plan.withLock { ($0.shards(for: hand, at: claimedAt), $0.lowWater) }
        if limit == 0 {
            try await claimUnheard(hand, at: claimedAt)
            desk.expectMore(true, lowWater: lowWater)
            return nil
        }
        let (claimed, isUseful) = try await claim(limit, excluding: excluded(at: claimedAt), at: claimedAt)
        desk.expectMore(claimed == limit && isUseful, lowWater: lowWater)
        return claimed == 0 ? try await announceHunger() : nil
    }

    /// Takes shards that somebody waits for, whatever else is on hand.
    private func claimLive() async throws {
        let (hand, claimedAt) = (desk.hand, ContinuousClock.now)
        let (limit, lowWater) = plan.withLock { ($0.liveShards(for: hand), $0.lowWater) }
        guard limit > 0 else { return desk.expectMoreLive(true, lowWater: lowWater) }
        let (claimed, isUseful) = try await claim(
            limit, excluding: excluded(at: claimedAt), upTo: .live, at: claimedAt)
        desk.expectMoreLive(claimed == limit && isUseful, lowWater: lowWater)
    }

    /// With enough lines on hand: takes one shard of a batch of which there is none, so that small batches, and those
    /// that matter more, do not wait until a big one is used up.
    private func claimUnheard(_ hand: ClaimPlan.Hand, at now: ContinuousClock.Instant) async throws {
        let held = desk.batches
        guard held.count < configuration.heldBatchesMax, hand.bytes < configuration.heldBytesMax,
            hand.unfinished < configuration.heldLinesMax
        else { return }
        _ = try await claim(1, excluding: held + excluded(at: now), at: now)
    }

    /// Claims once and puts on the desk what can be served; gives the rest back.
    private func claim(
        _ limit: Int, excluding: [BatchID], upTo lane: Lane = .background, at claimedAt: ContinuousClock.Instant
    ) async throws -> (claimed: Int, isUseful: Bool) {
        let claims = try await store.claimShards(
            worker: worker, limit: limit, lease: configuration.lease, excluding: excluding, upTo: lane)
        statistics.countClaim(shards: claims.count, .now - claimedAt)
        let live = claims.filter { $0.lane == .live }
        let (lines, liveLines) = (claims.reduce(0) { $0 + $1.lineCount }, live.reduce(0) { $0 + $1.lineCount })
        plan.withLock { plan in
            plan.learnLive(shards: live.count, lines: liveLines)
            plan.learn(shards: claims.count - live.count, lines: lines - liveLines)
        }
        let useless = claims.filter { !take($0, claimedAt: claimedAt) }.map(\.lease)
        // Should this fail, the leases run out by themselves.
        if !useless.isEmpty { _ = try await store.releaseShards(worker: worker, useless) }
        return (claims.count, useless.isEmpty)
    }

    /// Nothing is ready although this worker has room: asks the others for a part of what they hold.
    private func announceHunger() async throws -> Duration? {
        guard desk.hand.startable == 0, backends.isHungry else { return nil }
        return try await store.announceHunger(worker: worker) ? Self.hungerEvery : nil
    }

    /// Another worker is idle: gives it something that would wait here.
    func feed() {
        let soon = plan.withLock { $0.soonStarted }
        _ = desk.share(keeping: soon)
    }

    private func excluded(at now: ContinuousClock.Instant) -> [BatchID] {
        unserved.withLock { unserved in
            unserved = unserved.filter { $0.value > now }
            return Array(unserved.keys)
        }
    }

    /// Leaves a batch to other workers for a while; true when that is news.
    private func leaveAlone(_ batch: BatchID, from now: ContinuousClock.Instant) -> Bool {
        unserved.withLock { unserved in
            guard unserved.count < Self.unservedMax else { return false }
            return unserved.updateValue(now + Self.unservedFor, forKey: batch) == nil
        }
    }

    /// Where the lines of a shard go; nil when that is nowhere for some of them, whose batch is then left alone.
    private func routes(of claim: ClaimedShard, _ lines: PackedLines, at now: ContinuousClock.Instant) -> [Route]? {
        let wanted =
            lines.routes.isEmpty ? [LineRoute(url: claim.endpoint, model: claim.model)] : lines.routes
        var routes: [Route] = []
        for want in wanted {
            guard let route = backends.route(model: want.model, endpoint: want.url) else {
                if leaveAlone(claim.lease.shard.batch, from: now) {
                    logger.warning(
                        "no backend here serves a model of a batch; its shards are left to other workers",
                        metadata: ["batch": "\(claim.lease.shard.batch)", "model": "\(want.model)"])
                }
                return nil
            }
            routes.append(route)
        }
        return routes
    }

    /// Puts a shard on the desk; false when this worker has no use for it.
    private func take(_ claim: ClaimedShard, claimedAt: ContinuousClock.Instant) -> Bool {
        guard claim.secondsLeft >= Self.secondsLeftMin else {
            _ = leaveAlone(claim.lease.shard.batch, from: claimedAt)
            return false
        }
        do {
            let lines = try PackedLines(claim.pack)
            guard lines.count == claim.lineCount else { throw PackFault.trailingBytes(offset: claim.pack.count) }
            guard let routes = routes(of: claim, lines, at: claimedAt) else { return false }
            desk.add(claim, routes: routes, lines: lines, claimedAt: claimedAt)
        } catch {
            // Given back, it would be claimed again: the lease runs out instead, and counts as an attempt.
            logger.error(
                "the lines of a shard cannot be read; its lease is left to run out",
                metadata: ["shard": "\(claim.lease.shard)", "error": "\(error)"])
        }
        return true
    }
}
