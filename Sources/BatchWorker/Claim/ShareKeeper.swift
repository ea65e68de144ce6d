// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import BatchStore
import Loops
import Synchronization

/// Says that the worker lives, and keeps its shares of the backends whose calls are counted over the whole cluster.
///
/// A worker that cannot reach the database is taken for dead by the others after ``WorkerConfiguration/shareSilence``,
/// and they take over its shares: so after that time it starts no more calls there.
final class ShareKeeper: Sendable {
    private let worker: WorkerID
    private let configuration: WorkerConfiguration
    private let store: any WorkerStore
    private let capped: [Backend]
    private let desk: CallDesk
    private let confirmedAt = Mutex<ContinuousClock.Instant?>(nil)

    /// A keeper for `worker`; until the first answer capped backends take nothing from it.
    init(
        worker: WorkerID, configuration: WorkerConfiguration, store: any WorkerStore, backends: BackendSet,
        desk: CallDesk
    ) {
        self.worker = worker
        self.configuration = configuration
        self.store = store
        self.desk = desk
        capped = backends.backends.filter { $0.configuration.clusterConcurrency != nil }
    }

    /// One heartbeat. Comes again after `heartbeatEvery`, or when lines for a capped backend have come.
    func poll() async throws -> Duration? {
        let sentAt = ContinuousClock.now
        let record = WorkerRecord(
            id: worker, host: configuration.host, pid: configuration.processID, version: configuration.version,
            capacity: Int32(clamping: configuration.concurrency), inFlight: Int32(clamping: desk.inFlight),
            isDraining: desk.isQuiet)
        let asks = capped.map(ask)
        let shares = try await store.heartbeat(record, asks: asks, silence: configuration.shareSilence)
        // An answer that took that long is no news: the others have given the places away by then.
        guard .now - sentAt < configuration.shareSilence else { return .zero }
        confirmedAt.withLock { $0 = sentAt }
        for backend in capped { backend.setShare(shares[backend.configuration.name] ?? 0, at: .now) }
        if !capped.isEmpty { desk.reconsider() }
        return nil
    }

    /// Gives the shares up when they were not confirmed for too long; returns when to look again.
    func expire() -> Duration? {
        guard !capped.isEmpty, let confirmed = confirmedAt.withLock({ $0 }) else { return nil }
        let left = configuration.shareSilence - (.now - confirmed)
        guard left <= .zero else { return left }
        for backend in capped { backend.setShare(0, at: .now) }
        return nil
    }

    private func ask(for backend: Backend) -> ShareAsk {
        let (share, inFlight) = (backend.share, backend.inFlight)
        let waiting = desk.startable { $0.leads(to: backend) }
        return ShareAsk(
            backend: backend.configuration.name, cap: backend.configuration.clusterConcurrency ?? 0,
            inFlight: inFlight, wanted: min(inFlight + waiting, backend.appetite), share: share ?? 0)
    }
}
