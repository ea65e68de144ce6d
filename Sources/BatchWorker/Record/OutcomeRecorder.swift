// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Logging
import Loops
import Synchronization

/// The Record room: writes checkpoints of all shards in one transaction, and gives back shards that are over here.
///
/// While the database is away the same checkpoints are written again and again: only the database knows whether a
/// lease is lost, and an unknown commit is settled by repeating it.
final class OutcomeRecorder: Sendable {
    /// Failures in a row after which each checkpoint is written by itself, so that a bad one does not stop the others.
    private static let failuresBeforeSingly = 3
    /// Times a checkpoint may fail while the database works, before its shard is given up.
    private static let strikesMax = 5

    private let worker: WorkerID
    private let configuration: WorkerConfiguration
    private let store: any WorkerStore
    private let desk: CallDesk
    private let isLive: Bool
    private let statistics: WorkerStatistics
    private let logger: Logger
    private let failures = Mutex((inARow: 0, strikes: [Lease: Int]()))

    /// A room that records for `worker`; `isLive` says whether it is the one for results that somebody waits for, which
    /// must not wait for the statements of others. It divides nothing and gives nothing back.
    init(
        worker: WorkerID, configuration: WorkerConfiguration, store: any WorkerStore, desk: CallDesk,
        isLive: Bool = false, statistics: WorkerStatistics, logger: Logger
    ) {
        self.worker = worker
        self.configuration = configuration
        self.store = store
        self.desk = desk
        self.isLive = isLive
        self.statistics = statistics
        self.logger = logger
    }

    /// Writes what is due and gives back what is over. Comes again when the next result must be written.
    func poll() async throws -> Duration? {
        try await settle(all: false)
        return desk.nextCheckpoint(isLive: isLive)
    }

    /// Writes everything there is and gives every shard back: the last thing a worker does.
    func settleAll() async throws {
        try await settle(all: true)
    }

    private func settle(all: Bool) async throws {
        let problem = isLive ? nil : await divide()
        // At the end there is one room only.
        let taken = desk.takeCheckpoints(all: all, isLive: all ? nil : isLive)
        if !taken.isEmpty {
            do {
                try await write(taken)
                failures.withLock { $0.inARow = 0 }
            } catch {
                let inARow = failures.withLock {
                    $0.inARow += 1
                    return $0.inARow
                }
                guard inARow >= Self.failuresBeforeSingly else { throw error }
                try await writeSingly(taken)
            }
        }
        let leases = isLive ? [] : desk.takeReleasable(all: all)
        if !leases.isEmpty {
            _ = try await store.releaseShards(worker: worker, leases)
            desk.released(leases)
        }
        if let problem { throw problem }
    }

    /// Writes the divisions of shards; one whose fate is unknown is written again, and holds back the checkpoints of
    /// its own shard only.
    private func divide() async -> (any Error)? {
        var problem: (any Error)?
        for division in desk.divisions {
            do {
                let isRecorded = try await store.splitShard(
                    worker: worker, division.lease, moved: division.before, to: division.after)
                if let shard = desk.divided(division, isRecorded: isRecorded) { logger.report(shard) }
                _ = failures.withLock { $0.strikes.removeValue(forKey: division.lease) }
            } catch {
                problem = error
                guard
                    (try? await store.renewLeases(worker: worker, [division.lease], lease: configuration.lease)) != nil
                else { break }
                guard isOut(division.lease) else { continue }
                giveUp(division.lease, error)
                if let shard = desk.divided(division, isRecorded: false) { logger.report(shard) }
            }
        }
        return problem
    }

    private func write(_ taken: [OutcomeBuffer.Taken]) async throws {
        let sentAt = ContinuousClock.now
        let written = try await store.record(
            worker: worker, taken.map(\.checkpoint), lease: configuration.lease)
        statistics.countRecord(checkpoints: written.count, .now - sentAt)
        for shard in desk.recorded(taken, written: written, sentAt: sentAt) { logger.report(shard) }
    }

    /// Finds the checkpoint that the database refuses while it accepts others, and gives its shard up in the end.
    private func writeSingly(_ taken: [OutcomeBuffer.Taken]) async throws {
        var last: (any Error)?
        for item in taken {
            do {
                try await write([item])
                _ = failures.withLock { $0.strikes.removeValue(forKey: item.checkpoint.lease) }
            } catch {
                last = error
                // Proves that the database works; if it does not, this throws, and nobody is to blame.
                _ = try await store.renewLeases(worker: worker, [item.checkpoint.lease], lease: configuration.lease)
                strike(item, error)
            }
        }
        if let last { throw last }
        failures.withLock { $0.inARow = 0 }
    }

    private func strike(_ item: OutcomeBuffer.Taken, _ error: any Error) {
        guard isOut(item.checkpoint.lease) else { return }
        giveUp(item.checkpoint.lease, error)
        for shard in desk.recorded([item], written: [], sentAt: .now) { logger.report(shard) }
    }

    /// Counts a failure of a statement while the database works; true when it was the last that is put up with.
    private func isOut(_ lease: Lease) -> Bool {
        failures.withLock { failures in
            failures.strikes[lease, default: 0] += 1
            guard failures.strikes[lease, default: 0] >= Self.strikesMax else { return false }
            failures.strikes[lease] = nil
            return true
        }
    }

    private func giveUp(_ lease: Lease, _ error: any Error) {
        logger.error(
            "the database refuses what is written of a shard; it is given up and its lease left to run out",
            metadata: ["shard": "\(lease.shard)", "error": "\(error)"])
    }
}
