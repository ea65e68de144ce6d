// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchFiles
package import BatchStore
package import BatchWebhook
package import Logging
internal import Loops
internal import Postgres
internal import ServiceLifecycle

/// A coordinator's rooms, each a loop of its own. Any number of coordinators may run: every duty is a claim on a row.
package struct Coordinator: Service {
    private let configuration: CoordinatorConfiguration
    private let store: Store
    private let vault: any FileVault
    private let id: CoordinatorID
    private let modelIsKnown: @Sendable (String) -> Bool
    private let sender: WebhookSender
    private let remote: RemoteStores
    private let logger: Logger

    /// A coordinator that is not running yet.
    ///
    /// - Parameters:
    ///   - modelIsKnown: whether some backend serves the model; lines that name another are refused.
    ///   - remote: opens what users name as input and output.
    package init(
        configuration: CoordinatorConfiguration, store: Store, vault: any FileVault, id: CoordinatorID,
        modelIsKnown: @escaping @Sendable (String) -> Bool, sender: WebhookSender, remote: RemoteStores,
        logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.vault = vault
        self.id = id
        self.modelIsKnown = modelIsKnown
        self.sender = sender
        self.remote = remote
        self.logger = logger
    }

    /// Runs every room until graceful shutdown or cancellation; duties under way are given back.
    package func run() async throws {
        let wakes = RoomWakes(
            validators: configuration.validationsMax, finalizers: configuration.finalizationsMax,
            fetchers: configuration.remote.fetchesMax, resultDeliverers: configuration.remote.deliveriesMax)
        let listener = try store.listener(
            channels: [Signals.batches, Signals.shards, Signals.events], logger: logger)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                for await notification in listener.notifications.cancelOnGracefulShutdown() {
                    wakes.wake(for: notification.channel, isReconnect: notification.isReconnect)
                }
            }
            for loop in loops(wakes) {
                group.addTask { try await loop.run() }
            }
            group.addTask { try await deliver(wakes.deliverer) }
        }
        await listener.close()
    }

    /// The Notify room, which ends with the attempts under way.
    private func deliver(_ wake: WakeSignal) async throws {
        let desk = DeliveryDesk(
            store: store, owner: id,
            courier: Courier(sender: sender, configuration: configuration.notify, logger: logger),
            configuration: configuration.notify, lease: configuration.dutyLease, wake: wake, logger: logger)
        let leases = loop("keeper of deliveries", WakeSignal(), idle: configuration.dutyRenewEvery) {
            try await desk.renew()
            return nil
        }
        // Beside the loop, whose statements may wait; and on until the last attempt has ended.
        let keeper = Task { await leases.run(until: StopFlag()) }
        defer { keeper.cancel() }
        try await loop("deliverer", wake) { try await desk.poll() }.run()
        // Also when the task is cancelled: what was attempted is recorded, and what was not is given back.
        await withoutCancellation {
            await desk.drain()
            for sink in configuration.notify.sinks.values { await sink.close() }
        }
    }

    private func loops(_ wakes: RoomWakes) -> [PollLoop] {
        let keeper = DutyKeeper(
            store: store, lease: configuration.dutyLease, renewEvery: configuration.dutyRenewEvery, logger: logger)
        let validator = BatchValidator(
            store: store, vault: vault, owner: id, keeper: keeper, configuration: configuration,
            modelIsKnown: modelIsKnown, logger: logger)
        let closer = BatchCloser(store: store, wakeFinalizers: { wakes.wakeFinalizers() }, logger: logger)
        let finalizer = BatchFinalizer(
            store: store, vault: vault, owner: id, keeper: keeper, configuration: configuration, logger: logger)
        let rescuer = ShardRescuer(
            store: store, workerSilence: configuration.workerSilence, pollEvery: configuration.pollEvery,
            workerLease: configuration.workerLease, poisonAttempts: configuration.poisonAttempts, logger: logger)
        let forecaster = BatchForecaster(store: store, every: configuration.forecastEvery, logger: logger)
        let sweeper = BatchSweeper(store: store)
        let eventPruner = EventPruner(store: store, retention: configuration.notify.retention)
        let keyPruner = KeyPruner(store: store)
        let pruner = FilePruner(store: store, vault: vault, orphanAge: configuration.orphanAge, logger: logger)
        let admitter = JobAdmitter(store: store, runningMax: configuration.limits.ark.runningMax, logger: logger)
        var loops = [
            loop("admitter of jobs", wakes.admitter) { try await admitter.poll() },
            loop("closer", wakes.closer) { try await closer.poll() },
            loop("rescuer", WakeSignal()) { try await rescuer.poll() },
            loop("forecaster", WakeSignal(), idle: configuration.forecastEvery) { try await forecaster.poll() },
            loop("sweeper", WakeSignal()) { try await sweeper.poll() },
            loop("event pruner", WakeSignal(), idle: EventPruner.every) { try await eventPruner.poll() },
            loop("pruner of keys", WakeSignal(), idle: KeyPruner.every) { try await keyPruner.poll() },
            loop("pruner", WakeSignal(), idle: configuration.pollEvery * 5) { try await pruner.poll() },
        ]
        for wake in wakes.validators {
            loops.append(loop("validator", wake) { try await validator.poll() })
        }
        for wake in wakes.finalizers {
            loops.append(loop("finalizer", wake) { try await finalizer.poll() })
        }
        return loops + remoteLoops(wakes, keeper)
    }

    /// The Remote room.
    private func remoteLoops(_ wakes: RoomWakes, _ keeper: DutyKeeper) -> [PollLoop] {
        let desk = RemoteDesk(store: store, stores: remote, sealingKey: configuration.notify.sealingKey)
        let fetcher = InputFetcher(
            store: store, vault: vault, desk: desk, owner: id, keeper: keeper, configuration: configuration,
            logger: logger)
        let deliverer = ResultDeliverer(
            store: store, vault: vault, desk: desk, owner: id, keeper: keeper, configuration: configuration,
            logger: logger)
        return wakes.fetchers.map { loop("fetcher of inputs", $0) { try await fetcher.poll() } }
            + wakes.resultDeliverers.map { loop("deliverer of results", $0) { try await deliverer.poll() } }
    }

    private func loop(
        _ name: String, _ wake: WakeSignal, idle: Duration? = nil,
        _ poll: @escaping @Sendable () async throws -> Duration?
    ) -> PollLoop {
        PollLoop(name: name, idle: idle ?? configuration.pollEvery, wake: wake, logger: logger, poll: poll)
    }
}
