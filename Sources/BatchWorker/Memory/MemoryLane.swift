// SPDX-License-Identifier: Apache-2.0
package import BatchCore
package import BatchInference
package import BatchStore
package import Logging
import Loops
import ServiceLifecycle
import Synchronization

/// Answers requests that need not outlive the process: a worker whose queue is in memory. The database is asked for
/// nothing but the shares of backends whose calls are counted over the whole cluster.
package final class MemoryLane: Service {
    private let store: MemoryStore
    private let worker: Worker
    private let backends: BackendSet
    private let logger: Logger

    /// How often deadlines are looked at.
    private static let tendEvery = Duration.seconds(1)

    /// A lane that is not running yet; `configuration.validate()` must be empty.
    ///
    /// - Parameters:
    ///   - store: hears that this worker lives.
    ///   - caller: makes the calls; it carries the same `id` into the records.
    package init(
        limits: MemoryLimits, configuration: WorkerConfiguration, store: Store, backends: BackendSet,
        caller: any LineCalling, prober: BackendProber? = nil, id: WorkerID, logger: Logger
    ) {
        self.store = MemoryStore(limits: limits, cluster: store)
        self.backends = backends
        self.logger = logger
        worker = Worker(
            configuration: configuration, workerStore: self.store, backends: backends, caller: caller, prober: prober,
            id: id, logger: logger)
    }

    /// Whether requests can be answered here.
    package func serves(model: String, endpoint: String) -> Bool {
        backends.route(model: model, endpoint: endpoint) != nil
    }

    /// How many requests are held.
    package var held: Int { store.held }

    /// What comes of a request; cancelling the task says that its client has gone.
    ///
    /// - Throws: a 429 ``BatchCore/BatchError`` (too many held), a 503 (shutting down, wait over).
    package func outcome(of request: MemoryRequest) async throws -> Outcome {
        try await store.outcome(of: request)
    }

    /// Works until graceful shutdown or cancellation: what waits is told to come again, what runs may end.
    package func run() async throws {
        let tending = PollLoop(
            name: "minding requests in memory", idle: Self.tendEvery, wake: WakeSignal(), logger: logger
        ) { [store] in
            store.tend()
            return nil
        }
        let ended = StopFlag()
        let keeper = Task { await tending.run(until: ended) }
        defer { keeper.cancel() }
        await withGracefulShutdownHandler {
            // A worker throws nothing of its own.
            try? await worker.run()
        } onGracefulShutdown: { [store] in
            store.close(all: false)
        }
        ended.raise()
        store.close(all: true)
    }
}
