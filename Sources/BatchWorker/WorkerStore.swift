// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Logging
import Postgres

/// A hint that something changed; the rows are the truth.
enum WorkerSignal: Hashable, Sendable {
    /// Shards became ready.
    case shards
    /// A batch changed.
    case batches
    /// The connection was made anew: anything may have been missed.
    case anything
}

/// What a worker needs of the store; a protocol so that tests can take its place.
protocol WorkerStore: Sendable {
    /// What claiming cost the process.
    var claimCPU: CPUMeter { get }
    /// What recording cost the process.
    var recordCPU: CPUMeter { get }
    /// Takes ready shards of batches not in `excluded`, each with a new epoch and a lease.
    func claimShards(
        worker: WorkerID, limit: Int, lease: Duration, excluding excluded: [BatchID]
    ) async throws -> [ClaimedShard]
    /// Extends leases; one that is missing in the answer is lost.
    func renewLeases(worker: WorkerID, _ leases: [Lease], lease: Duration) async throws -> [LeaseRenewal]
    /// Writes results in one transaction; returns the leases that were still good. Repeatable.
    func record(worker: WorkerID, _ checkpoints: [Checkpoint], lease: Duration) async throws -> Set<Lease>
    /// Gives shards back; returns how many were still held.
    func releaseShards(worker: WorkerID, _ leases: [Lease]) async throws -> Int
    /// Says that the worker lives.
    func heartbeat(_ worker: WorkerRecord) async throws
    /// Forgets the worker.
    func removeWorker(_ id: WorkerID) async throws
    /// Calls `hear` with each signal until the task is cancelled.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws
}

extension Store: WorkerStore {
    /// See ``WorkerStore``.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws {
        let listener = try listener(channels: [Signals.shards, Signals.batches], logger: logger)
        for await notification in listener.notifications {
            if notification.isReconnect {
                hear(.anything)
            } else {
                hear(notification.channel == Signals.shards ? .shards : .batches)
            }
        }
        await listener.close()
    }
}
