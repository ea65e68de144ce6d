// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Logging
internal import Loops
internal import Synchronization

// What time brings.
extension LiveDesk {
    /// Minds deadlines, tells the database what was answered, seals batches, and looks at some of the
    /// shards that are waited for, should a notification have been lost.
    func tend() async throws -> Duration? {
        let retryAfter = configuration.retryAfterSeconds
        for settlement in holds.withLock({ $0.expire(at: .now, retryAfterSeconds: retryAfter) }) { settlement.give() }
        if holds.withLock({ !$0.orphaned.isEmpty }) { addWake.wake() }
        try await reclaim()
        try await settleAnswered()
        let busy = holds.withLock { $0.open }
        batches.withLock { [configuration] batches in
            batches.rotate(
                after: configuration.rotate, most: LiveConfiguration.openMax, at: .now
            ) { busy[$0] == nil }
        }
        let unsealed = batches.withLock { $0.unsealed }
        try await store.sealLive(unsealed)
        batches.withLock { $0.sealed(unsealed) }
        look(at: nextToScan())
        return nil
    }

    /// Tells the database whose clients have gone.
    func settleOrphaned() async throws {
        let lines = holds.withLock { $0.takeOrphaned() }
        do {
            try await store.orphanLive(waiter: waiter, lines, dropAfter: configuration.abandonAfter)
        } catch {
            holds.withLock { $0.putBack(orphaned: lines) }
            throw error
        }
    }

    /// Tells the database which requests are answered; `all` also those whose answer was given a moment ago: killed
    /// before it was written, this process would have been paid for nothing.
    func settleAnswered(all: Bool = false) async throws {
        let lines = holds.withLock { $0.takeAnswered(all: all) }
        do {
            try await store.forgetLive(waiter: waiter, lines)
        } catch {
            holds.withLock { $0.putBack(answered: lines) }
            throw error
        }
    }

    /// After the connection was lost: takes back what others have let go of meanwhile.
    private func reclaim() async throws {
        guard news.withLock({ $0.isDoubted }) else { return }
        news.withLock { $0.isDoubted = false }
        do {
            try await store.reclaimLive(waiter: waiter, holds.withLock { $0.placed })
        } catch {
            news.withLock { $0.isDoubted = true }
            throw error
        }
    }

    /// Some of the shards that are waited for, others each time.
    private func nextToScan() -> Set<LiveShardKey> {
        if news.withLock({ $0.rota.isEmpty }) {
            let shards = holds.withLock { $0.shards }
            news.withLock { $0.rota = shards }
        }
        return news.withLock { news in
            let next = Set(news.rota.suffix(LiveConfiguration.scanMax))
            news.rota.removeLast(min(LiveConfiguration.scanMax, news.rota.count))
            return next
        }
    }

    /// What any coordinator does for all: finds dead ones, drops what nobody waits for, ends and deletes batches.
    func mindOthers() async throws -> Duration? {
        // Nobody is taken for dead by who has not shown yet that it lives.
        guard news.withLock({ $0.isConnected }) else { return nil }
        let isPatient = news.withLock { $0.patientUntil.map { .now < $0 } ?? false }
        let orphans =
            isPatient ? 0 : try await store.orphanDead(by: waiter, dropAfter: configuration.abandonAfter)
        if orphans > 0 {
            logger.warning(
                "a coordinator is gone; requests that it held wait to be sent again",
                metadata: ["count": "\(orphans)"])
        }
        let dropped = try await store.dropAbandoned()
        _ = try await store.completeLive()
        let deleted = try await store.deleteLive(kept: configuration.answersKept)
        return orphans > 0 || dropped > 0 || deleted ? Self.breath : nil
    }

    /// Between two bounded steps, so that upkeep leaves the database to the workers.
    private static let breath = Duration.milliseconds(20)
}
