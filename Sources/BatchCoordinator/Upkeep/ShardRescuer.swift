// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Logging
internal import Synchronization

/// Frees shards whose worker let the lease run out, with what is done of them; splits those that seem to kill their
/// workers until the line is found that does, and records it; forgets silent workers.
///
/// After an outage of the database every lease looks run out although its worker lives, and holds results it could not
/// write: the workers get one lease's time to renew before anything is taken from them.
final class ShardRescuer: Sendable {
    private let store: Store
    private let workerSilence: Duration
    private let pollEvery: Duration
    private let workerLease: Duration
    private let poisonAttempts: Int
    private let logger: Logger
    private let lastSeen = Mutex<ContinuousClock.Instant?>(nil)
    private let patientUntil = Mutex<ContinuousClock.Instant?>(nil)

    init(
        store: Store, workerSilence: Duration, pollEvery: Duration, workerLease: Duration, poisonAttempts: Int,
        logger: Logger
    ) {
        self.store = store
        self.workerSilence = workerSilence
        self.pollEvery = pollEvery
        self.workerLease = workerLease
        self.poisonAttempts = poisonAttempts
        self.logger = logger
    }

    /// One bounded pass.
    func poll() async throws -> Duration? {
        try await store.ping()
        guard !isPatient(at: .now) else { return nil }
        for rescued in try await store.rescueShards(poisonAttempts: poisonAttempts) { report(rescued) }
        let pruned = try await store.pruneWorkers(silence: workerSilence)
        if pruned > 0 { logger.warning("forgot silent workers", metadata: ["count": "\(pruned)"]) }
        return nil
    }

    private func report(_ rescued: RescuedShard) {
        let metadata: Logger.Metadata = ["shard": "\(rescued.shard)", "worker": "\(rescued.worker)"]
        switch rescued.fate {
        case .ready:
            logger.warning("a lease ran out; the shard is ready again", metadata: metadata)
        case .split:
            logger.warning(
                "a shard lost its workers again without a result; its lines are tried in two halves", metadata: metadata
            )
        case .abandoned:
            logger.error("a line lost every worker that took it; it is recorded as failed", metadata: metadata)
        }
    }

    /// Notes that the database answers, and whether it did not for so long that leases mean nothing yet. The first look
    /// of a process is not patient: what a crash of everything left behind is rescued at once.
    private func isPatient(at now: ContinuousClock.Instant) -> Bool {
        let before = lastSeen.withLock { seen in
            defer { seen = now }
            return seen
        }
        return patientUntil.withLock { until in
            if let before, now - before > pollEvery * 3 { until = now + workerLease }
            return until.map { now < $0 } ?? false
        }
    }
}
