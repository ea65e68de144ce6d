// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
package import BatchStore
internal import Crypto
package import Logging
internal import Loops
internal import Postgres
internal import ServiceLifecycle
internal import Synchronization

/// Holds requests until they are answered: makes lines of live batches of them, which any worker may take, and waits
/// for the outcomes.
///
/// Requests that come while others are being inserted are inserted together. A request that was sent before, and whose
/// client has gone, takes over the line that was made of it then. Whoever waits is this process; PostgreSQL tells the
/// others by a lock whether it lives.
package final class LiveDesk: LiveAnswering, Service {
    let configuration: LiveConfiguration
    let store: Store
    let logger: Logger
    /// The lock that says that this process lives.
    let waiter: Int64
    let holds = Mutex(LiveHolds())
    let batches: Mutex<OpenLiveBatches>
    let news = Mutex(LiveQueueOfNews())
    let addWake = WakeSignal()
    let readWake = WakeSignal()
    private let memory: MemoryAnswering?
    let tendWake = WakeSignal()
    private let dutyWake = WakeSignal()

    /// Time to say at the end that nobody waits any more; afterwards the lock says it.
    private static let leaveLimit = Duration.seconds(5)

    /// A desk that is not running yet.
    ///
    /// - Parameter memory: answers requests that need not outlive the process; without it they do.
    package init(
        configuration: LiveConfiguration, store: Store, memory: MemoryAnswering? = nil, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.memory = memory
        self.logger = logger
        waiter = Int64.random(in: 1 ... .max)
        batches = Mutex(OpenLiveBatches(shardsMax: configuration.batchShardsMax))
    }

    /// How many requests are held that are in the database, or on their way there.
    package var held: Int { holds.withLock { $0.count } }

    /// See ``LiveAnswering/answer(_:)``.
    package func answer(_ request: consuming LiveRequest) async throws -> LiveAnswer {
        let retryAfter = configuration.retryAfterSeconds
        if !request.isDurable, let memory, memory.serves(request.model, request.endpoint) {
            return try LiveAnswer(await memory.outcome(request), retryAfterSeconds: retryAfter)
        }
        // Nothing of the body is kept here while the answer is waited for.
        let number = try admit(consume request)
        addWake.wake()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                holds.withLock { $0.wait(for: number, continuation) }?.give()
            }
        } onCancel: {
            holds.withLock { $0.leave(number) }?.give()
            // Others must hear of it before the client sends it again.
            addWake.wake()
        }
    }

    private func admit(_ request: consuming LiveRequest) throws -> Int {
        let wait = min(max(request.wait, .zero), configuration.wait)
        let hold = LiveHolds.Hold(
            party: .init(
                project: request.project, key: request.key, endpoint: request.endpoint, model: request.model),
            fingerprint: LiveFingerprint(project: request.project, sha256: Self.sha256(request)),
            deadline: .now + wait, wait: wait, body: request.body)
        return try holds.withLock { [configuration] holds in
            guard !holds.isClosed else { throw LiveFault.leaving }
            guard holds.count < configuration.heldMax else {
                throw LiveFault.full(
                    "\(holds.count) requests", setting: "live.held_max",
                    retryAfterSeconds: configuration.retryAfterSeconds)
            }
            guard holds.bytes == 0 || hold.body.count <= configuration.unstoredBytesMax - holds.bytes else {
                throw LiveFault.full(
                    "\(holds.bytes) bytes of requests that are not stored yet", setting: "live.unstored_bytes_max",
                    retryAfterSeconds: configuration.retryAfterSeconds)
            }
            return holds.admit(hold)
        }
    }

    private static func sha256(_ request: LiveRequest) -> [UInt8] {
        var hash = SHA256()
        for text in [request.endpoint, request.model] {
            hash.update(data: Array(text.utf8))
            hash.update(data: [0])
        }
        hash.update(data: request.body)
        return Array(hash.finalize())
    }

    /// Works until graceful shutdown or cancellation; then who waits is told to come again, and the lines stay.
    package func run() async throws {
        let listener = try store.liveListener(channels: [Signals.live], waiter: waiter, logger: logger)
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for await notification in listener.notifications.cancelOnGracefulShutdown() {
                        hear(notification.payload, isReconnect: notification.isReconnect)
                    }
                }
                for loop in loops() {
                    // Ends by itself, and says so by throwing at most that it was cancelled.
                    group.addTask { try? await loop.run() }
                }
            }
        } onGracefulShutdown: {
            self.close()
        }
        close()
        await leave()
        await listener.close()
    }

    private func loops() -> [PollLoop] {
        [
            loop("taking held requests in", addWake) { try await self.add() },
            loop("reading live outcomes", readWake) { try await self.read() },
            loop("minding held requests", tendWake, idle: configuration.pollEvery) { try await self.tend() },
            loop("ending live batches", dutyWake, idle: configuration.pollEvery) { try await self.mindOthers() },
        ]
    }

    private func loop(
        _ name: String, _ wake: WakeSignal, idle: Duration? = nil,
        _ poll: @escaping @Sendable () async throws -> Duration?
    ) -> PollLoop {
        PollLoop(
            name: name, idle: idle ?? configuration.pollEvery, deadline: LiveConfiguration.stepMax,
            backoff: Backoff(first: .milliseconds(100), max: .seconds(2)), wake: wake, logger: logger, poll: poll)
    }

    private func close() {
        for settlement in holds.withLock({ $0.close() }) { settlement.give() }
    }

    /// Says that nobody waits here any more, whatever was cancelled.
    private func leave() async {
        do {
            try await withoutCancellation { [self] in
                try await withDeadline(Self.leaveLimit) { [self] in
                    try await settleOrphaned()
                    try await settleAnswered(all: true)
                    try await store.leaveLive(waiter: waiter, dropAfter: configuration.abandonAfter)
                }
            }
        } catch {
            logger.notice(
                "it could not be recorded that nobody waits here any more; others find that out",
                metadata: ["error": "\(error)"])
        }
    }
}
