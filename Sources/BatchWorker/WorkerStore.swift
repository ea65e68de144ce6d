// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Logging
import Postgres

/// A hint that something changed; the rows are the truth.
enum WorkerSignal: Hashable, Sendable {
    /// Shards became ready.
    case shards
    /// Shards became ready whose results somebody waits for.
    case live
    /// A batch changed.
    case batches
    /// Another worker is idle.
    case hungry
    /// The connection was made anew: anything may have been missed.
    case anything
}

/// What a worker needs of the store; a protocol so that tests can take its place.
protocol WorkerStore: Sendable {
    /// What claiming cost the process.
    var claimCPU: CPUMeter { get }
    /// What recording cost the process.
    var recordCPU: CPUMeter { get }
    /// Takes ready shards of batches not in `excluded`, up to a lane, each with a new epoch and a lease.
    func claimShards(
        worker: WorkerID, limit: Int, lease: Duration, excluding excluded: [BatchID], upTo lane: Lane
    ) async throws -> [ClaimedShard]
    /// Extends leases; one that is missing in the answer is lost.
    func renewLeases(worker: WorkerID, _ leases: [Lease], lease: Duration) async throws -> [LeaseRenewal]
    /// Writes results in one transaction; returns the leases that were still good. Repeatable.
    func record(worker: WorkerID, _ checkpoints: [Checkpoint], lease: Duration) async throws -> Set<Lease>
    /// Gives shards back; returns how many were still held.
    func releaseShards(worker: WorkerID, _ leases: [Lease]) async throws -> Int
    /// Gives lines of a held shard to a part of their own; false when the lease is lost. Repeatable.
    func splitShard(worker: WorkerID, _ lease: Lease, moved before: LineSet, to after: LineSet) async throws -> Bool
    /// Tells the others that this worker is idle; false when nobody holds anything.
    func announceHunger(worker: WorkerID) async throws -> Bool
    /// Says that the worker lives; returns how many calls it may have in flight to each backend with a cluster-wide
    /// cap.
    func heartbeat(_ worker: WorkerRecord, asks: [ShareAsk], silence: Duration) async throws -> [String: Int]
    /// Forgets the worker.
    func removeWorker(_ id: WorkerID) async throws
    /// Calls `hear` with each signal until the task is cancelled.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws
}

extension Store: WorkerStore {
    /// See ``WorkerStore``.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws {
        let listener = try listener(channels: [Signals.shards, Signals.batches, Signals.hungry], logger: logger)
        for await notification in listener.notifications {
            if notification.isReconnect {
                hear(.anything)
            } else {
                switch notification.channel {
                case Signals.shards: hear(notification.payload == Signals.liveShards ? .live : .shards)
                case Signals.hungry: hear(.hungry)
                default: hear(.batches)
                }
            }
        }
        await listener.close()
    }
}
