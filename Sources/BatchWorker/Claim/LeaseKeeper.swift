// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Logging
import Loops

/// Renews every lease in one statement, and hears in its answer which shards are lost and which batches were stopped.
struct LeaseKeeper: Sendable {
    /// Whose leases.
    let worker: WorkerID
    /// How long they last.
    let configuration: WorkerConfiguration
    /// Where they are.
    let store: any WorkerStore
    /// Who holds them.
    let desk: CallDesk
    /// Hears of lost ones.
    let logger: Logger

    /// Renews once. Comes again after `renewEvery`, or when a batch is said to have changed.
    func poll() async throws -> Duration? {
        let leases = desk.leases
        guard !leases.isEmpty else { return nil }
        let sentAt = ContinuousClock.now
        let renewals = try await store.renewLeases(worker: worker, leases, lease: configuration.lease)
        for shard in desk.renewed(leases, renewals, sentAt: sentAt) { logger.report(shard) }
        return nil
    }
}

extension Logger {
    /// A shard was lost to somebody else.
    func report(_ shard: LostShard) {
        warning(
            "a lease was lost; what was not recorded of its shard is dropped",
            metadata: [
                "shard": "\(shard.lease.shard)", "epoch": "\(shard.lease.epoch)",
                "results_dropped": "\(shard.resultsDropped)", "calls_aborted": "\(shard.callsAborted)",
                "lines_left": "\(shard.linesLeft)",
            ])
    }
}
