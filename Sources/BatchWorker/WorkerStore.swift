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
    func claimShards(worker: WorkerID, limit: Int, lease: Duration) async throws -> [ClaimedShard]
    func renewLeases(worker: WorkerID, _ leases: [Lease], lease: Duration) async throws -> [LeaseRenewal]
    func record(worker: WorkerID, _ checkpoints: [Checkpoint], lease: Duration) async throws -> Set<Lease>
    func releaseShards(worker: WorkerID, _ leases: [Lease]) async throws -> Int
    func heartbeat(_ worker: WorkerRecord) async throws
    func removeWorker(_ id: WorkerID) async throws
    /// Calls `hear` with each signal until the task is cancelled.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws
}

extension Store: WorkerStore {
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
