// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Logging
import Loops
import Postgres
import Synchronization

/// The memory lane's queue as a worker sees a store.
final class MemoryStore: WorkerStore {
    /// See ``WorkerStore``.
    let claimCPU = CPUMeter()
    /// See ``WorkerStore``.
    let recordCPU = CPUMeter()
    private let queue: Mutex<MemoryQueue>
    private let cluster: Store
    private let listener = Mutex<Listener?>(nil)

    /// A closure in a type of its own: taken bare out of a lock it would be wrapped once more each time.
    private struct Listener: Sendable {
        let hear: @Sendable (WorkerSignal) -> Void
    }

    /// An empty queue; `cluster` hears that the worker lives.
    init(limits: MemoryLimits, cluster: Store) {
        queue = Mutex(MemoryQueue(limits: limits))
        self.cluster = cluster
    }

    /// How many requests are held.
    var held: Int { queue.withLock { $0.count } }

    /// See ``MemoryLane/outcome(of:)``.
    func outcome(of request: MemoryRequest) async throws -> Outcome {
        let (number, isNew) = try queue.withLock { try $0.admit(request, at: .now) }
        if isNew { listener.withLock { $0 }?.hear(.live) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A client that left before it waited has given its request away: somebody else may wait for it by now.
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                queue.withLock { $0.wait(for: number, continuation) }?.give()
            }
        } onCancel: {
            queue.withLock { $0.leave(number) }?.give()
        }
    }

    /// Minds deadlines.
    func tend() {
        for settlement in queue.withLock({ $0.expire(at: .now) }) { settlement.give() }
    }

    /// Takes nothing more in; `all` also gives up what the worker has.
    func close(all: Bool) {
        for settlement in queue.withLock({ $0.close(all: all) }) { settlement.give() }
    }
}

// As the worker sees it.
extension MemoryStore {
    /// See ``WorkerStore``.
    func claimShards(
        worker: WorkerID, limit: Int, lease: Duration, excluding excluded: [BatchID], upTo lane: Lane
    ) async throws -> [ClaimedShard] {
        queue.withLock { $0.claim(limit, excluding: Set(excluded), at: .now) }
    }

    /// Nobody else takes anything from this worker.
    func renewLeases(worker: WorkerID, _ leases: [Lease], lease: Duration) async throws -> [LeaseRenewal] {
        queue.withLock { queue in leases.filter(queue.holds) }.map {
            LeaseRenewal(lease: $0, batchStatus: .inProgress, isPaused: false, secondsLeft: .infinity)
        }
    }

    /// See ``WorkerStore``.
    func record(worker: WorkerID, _ checkpoints: [Checkpoint], lease: Duration) async throws -> Set<Lease> {
        var written: Set<Lease> = []
        for checkpoint in checkpoints {
            guard let outcome = try SegmentPack(checkpoint.segment).outcomes.first,
                queue.withLock({ $0.holds(checkpoint.lease) })
            else { continue }
            written.insert(checkpoint.lease)
            queue.withLock { $0.finish(checkpoint.lease, outcome, at: .now) }?.give()
        }
        return written
    }

    /// See ``WorkerStore``.
    func releaseShards(worker: WorkerID, _ leases: [Lease]) async throws -> Int {
        queue.withLock { queue in
            let held = leases.filter(queue.holds)
            for lease in held { queue.release(lease) }
            return held.count
        }
    }

    /// A shard of one line cannot be divided.
    func splitShard(worker: WorkerID, _ lease: Lease, moved before: LineSet, to after: LineSet) async throws -> Bool {
        false
    }

    /// See ``WorkerStore``.
    func announceHunger(worker: WorkerID) async throws -> Bool { false }

    /// See ``WorkerStore``.
    func heartbeat(_ worker: WorkerRecord, asks: [ShareAsk], silence: Duration) async throws -> [String: Int] {
        try await cluster.heartbeat(worker, asks: asks, silence: silence)
    }

    /// See ``WorkerStore``.
    func removeWorker(_ id: WorkerID) async throws { try await cluster.removeWorker(id) }

    /// See ``WorkerStore``.
    func listen(logger: Logger, _ hear: @escaping @Sendable (WorkerSignal) -> Void) async throws {
        listener.withLock { $0 = Listener(hear: hear) }
        hear(.anything)
        let never = StopFlag()
        while !Task.isCancelled { await never.wait(upTo: .seconds(3_600)) }
        listener.withLock { $0 = nil }
    }
}
