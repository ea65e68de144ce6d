// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import BatchStore
import Logging
import Loops

/// One run of a worker: its desk, its calls and the loops around them, from the first claim to the last release.
struct WorkerShift: Sendable {
    private let worker: WorkerID
    private let configuration: WorkerConfiguration
    private let store: any WorkerStore
    private let caller: any LineCalling
    private let prober: BackendProber?
    private let statistics: WorkerStatistics
    private let logger: Logger
    private let desk: CallDesk
    private let claimer: ShardClaimer
    private let keeper: LeaseKeeper
    private let shares: ShareKeeper
    private let pump: CallPump
    private let watch: BackendWatch
    private let recorder: OutcomeRecorder
    private let liveRecorder: OutcomeRecorder
    private let renewWake = WakeSignal()
    private let heartbeatWake = WakeSignal()
    private let shareWake = WakeSignal()
    private let probeWake = WakeSignal()
    private let watchWake = WakeSignal()

    /// A run that has not begun.
    init(
        worker: WorkerID, configuration: WorkerConfiguration, store: any WorkerStore, backends: BackendSet,
        caller: any LineCalling, prober: BackendProber?, statistics: WorkerStatistics, logger: Logger
    ) {
        self.worker = worker
        self.configuration = configuration
        self.store = store
        self.caller = caller
        self.prober = prober
        self.statistics = statistics
        self.logger = logger
        desk = CallDesk(configuration: configuration, files: caller.files)
        claimer = ShardClaimer(
            worker: worker, configuration: configuration, store: store, backends: backends, desk: desk,
            statistics: statistics, logger: logger)
        keeper = LeaseKeeper(
            worker: worker, configuration: configuration, store: store, desk: desk, logger: logger)
        shares = ShareKeeper(
            worker: worker, configuration: configuration, store: store, backends: backends, desk: desk)
        watch = BackendWatch(backends.backends, logger: logger)
        pump = CallPump(desk: desk, caller: caller, statistics: statistics, watch: watch, logger: logger)
        recorder = OutcomeRecorder(
            worker: worker, configuration: configuration, store: store, desk: desk, statistics: statistics,
            logger: logger)
        liveRecorder = OutcomeRecorder(
            worker: worker, configuration: configuration, store: store, desk: desk, isLive: true,
            statistics: statistics, logger: logger)
    }

    /// Works until `stop` is raised and the drain is over, or the task is cancelled.
    func run(until stop: StopFlag) async {
        let ended = StopFlag()
        let pump = pump
        desk.attach { pump.run() }
        await withTaskGroup(of: Void.self) { group in
            for loop in loops() { group.addTask { await loop.run(until: ended) } }
            group.addTask { await listen(until: ended) }
            while !stop.isRaised && !Task.isCancelled { await stop.wait(upTo: .seconds(3_600)) }
            if !Task.isCancelled { await drain() }
            ended.raise()
            desk.close()
            group.cancelAll()
            await group.waitForAll()
        }
    }

    /// Records and gives back what is left, within the farewell deadline, whatever was cancelled.
    func farewell() async {
        let (recorder, store, worker) = (recorder, store, worker)
        let limit = configuration.farewellDeadline
        do {
            try await withoutCancellation {
                try await withDeadline(limit) {
                    try await recorder.settleAll()
                    try await store.removeWorker(worker)
                }
            }
        } catch {
            logger.warning(
                "the last checkpoint was not confirmed; leases run out by themselves",
                metadata: ["worker": "\(worker)", "error": "\(error)"])
        }
    }

    private func drain() async {
        let inFlight = desk.inFlight
        logger.info("the worker stops claiming and waits for its calls", metadata: ["in_flight": "\(inFlight)"])
        desk.quiet(until: .now + configuration.drainDeadline)
        heartbeatWake.wake()
        // Aborted calls still have to come back, and their shards to be given back.
        await desk.emptied.wait(upTo: configuration.drainDeadline + configuration.farewellDeadline)
    }

    private func loops() -> [PollLoop] {
        let (desk, claimer, keeper, recorder, shares) = (desk, claimer, keeper, recorder, shares)
        let (watch, liveRecorder) = (watch, liveRecorder)
        let probing = prober.flatMap { $0.isNeeded ? $0 : nil }.map { prober in
            loop("asking backends", idle: configuration.pollEvery, probeWake) {
                defer { desk.reconsider() }
                return await prober.poll()
            }
        }
        return [
            loop("claiming shards", idle: configuration.pollEvery, desk.claimWake) { try await claimer.poll() },
            loop("renewing leases", idle: configuration.renewEvery, renewWake) { try await keeper.poll() },
            loop("recording results", idle: configuration.checkpointEvery, desk.recordWake) {
                try await recorder.poll()
            },
            loop("recording live results", idle: configuration.checkpointEvery, desk.liveRecordWake) {
                try await liveRecorder.poll()
            },
            loop("heartbeat", idle: configuration.heartbeatEvery, heartbeatWake) {
                try await shares.poll()
            },
            loop("minding shares", idle: configuration.heartbeatEvery, shareWake) { shares.expire() },
            loop("watching backends", idle: .seconds(1), watchWake) {
                watch.poll()
                return nil
            },
            // Everything it minds also wakes it; the idle time is a safety net.
            loop("minding retries", idle: .seconds(1), desk.clockWake) { desk.tick() },
        ] + [probing].compactMap(\.self)
    }

    private func loop(
        _ name: String, idle: Duration, _ wake: WakeSignal, _ poll: @escaping @Sendable () async throws -> Duration?
    ) -> PollLoop {
        PollLoop(
            name: name, idle: idle, deadline: configuration.storeDeadline,
            backoff: Backoff(first: .milliseconds(100), max: .seconds(2)), wake: wake, logger: logger, poll: poll)
    }

    /// Hears of new shards and changed batches; without it, polling finds them later.
    private func listen(until ended: StopFlag) async {
        let (desk, renewWake, claimer) = (desk, renewWake, claimer)
        do {
            try await store.listen(logger: logger) { signal in
                switch signal {
                case .shards: desk.hear(live: true, others: true)
                case .live: desk.hear(live: true, others: false)
                case .batches: renewWake.wake()
                case .hungry: claimer.feed()
                case .anything:
                    desk.hear(live: true, others: true)
                    renewWake.wake()
                }
            }
        } catch {
            logger.warning("no notifications; polling goes on", metadata: ["error": "\(error)"])
        }
    }
}
