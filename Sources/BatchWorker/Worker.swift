// SPDX-License-Identifier: Apache-2.0
package import BatchCore
package import BatchInference
package import BatchStore
package import Logging
import Loops
import Postgres
import ServiceLifecycle

/// A worker: claims shards, calls their lines, records the results, until it is told to stop.
///
/// Told once (graceful shutdown) it claims and starts nothing more, gives untouched shards back at once, lets calls in
/// flight end until the drain deadline, and records them. Told twice (cancellation) it aborts the calls and makes one
/// short attempt to record what it has. Killed, it leaves leases that run out.
package struct Worker: Service {
    /// Where the time goes.
    package let statistics = WorkerStatistics()
    private let configuration: WorkerConfiguration
    private let store: any WorkerStore
    private let backends: BackendSet
    private let caller: any LineCalling
    private let prober: BackendProber?
    private let id: WorkerID
    private let logger: Logger

    /// A worker that is not running yet; `configuration.validate()` must be empty.
    ///
    /// - Parameters:
    ///   - caller: makes the calls; it carries the same `id` into the records.
    ///   - prober: asks the backends how they are; nil asks nobody.
    package init(
        configuration: WorkerConfiguration, store: Store, backends: BackendSet, caller: any LineCalling,
        prober: BackendProber? = nil, id: WorkerID, logger: Logger
    ) {
        self.init(
            configuration: configuration, workerStore: store, backends: backends, caller: caller, prober: prober,
            id: id, logger: logger)
    }

    /// As above, with any store.
    init(
        configuration: WorkerConfiguration, workerStore: any WorkerStore, backends: BackendSet,
        caller: any LineCalling, prober: BackendProber? = nil, id: WorkerID, logger: Logger
    ) {
        self.configuration = configuration
        self.store = workerStore
        self.backends = backends
        self.caller = caller
        self.prober = prober
        self.id = id
        self.logger = logger
    }

    /// Works until graceful shutdown or cancellation, then leaves in good order. Throws nothing: what fails is logged
    /// and repeated, because a worker that ends for an error would only be started again.
    package func run() async throws {
        let stop = StopFlag()
        await withGracefulShutdownHandler {
            await work(until: stop)
        } onGracefulShutdown: {
            stop.raise()
        }
    }

    private func work(until stop: StopFlag) async {
        let shift = WorkerShift(
            worker: id, configuration: configuration, store: store, backends: backends, caller: caller,
            prober: prober, statistics: statistics, logger: logger)
        logger.info("the worker begins", metadata: ["worker": "\(id)", "concurrency": "\(configuration.concurrency)"])
        await shift.run(until: stop)
        await shift.farewell()
        var account = statistics.fields
        account["worker"] = "\(id)"
        account["claim_cpu_seconds"] = "\(Double(store.claimCPU.nanoseconds / 1_000) / 1_000_000)"
        account["record_cpu_seconds"] = "\(Double(store.recordCPU.nanoseconds / 1_000) / 1_000_000)"
        logger.info("the worker ends", metadata: account)
    }
}
