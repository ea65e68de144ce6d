// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Logging
internal import Loops
internal import Synchronization

/// The Notify room: gives events their places, makes deliveries of them, and attempts those that are due.
///
/// An event is committed with the terminal status, so a crash loses and invents nothing, and what it tells of can be
/// downloaded before the first attempt. A delivery is attempted by one coordinator at a time, under a lease. Attempts
/// run beside the loop; it claims what there are places for and records what has come back, many at once.
final class DeliveryDesk: Sendable {
    private struct State {
        /// Attempts under way, by the row of their delivery.
        var underWay: [Int64: (duty: DeliveryDuty, task: Task<Void, Never>)] = [:]
        var healthyUnderWay = 0
        /// Ended and not recorded yet.
        var ended: [DeliverySettlement] = []
        /// Broken off and not given back yet.
        var brokenOff: [DeliveryDuty] = []
        /// When doubtful targets may be looked at again.
        var doubtfulFrom = ContinuousClock.now
    }

    private let store: Store
    private let owner: CoordinatorID
    private let courier: Courier
    private let configuration: NotifyConfiguration
    private let lease: Duration
    private let wake: WakeSignal
    private let logger: Logger
    private let state = Mutex(State())

    /// Looks at the outbox in one poll, each bounded by the store.
    private static let dispatchesMax = 4
    /// How often doubtful targets are looked at, attempts to them that one poll begins, and ended attempts that it
    /// records: what healthy targets wait for does not grow with the number of dead ones.
    private static let doubtfulEvery = Duration.milliseconds(200)
    private static let doubtfulPerPollMax = 64
    private static let recordedPerPollMax = 256

    /// A desk that attempts nothing until it is polled.
    ///
    /// - Parameter lease: how long deliveries stay with a coordinator that has died; attempts may take longer, as long
    ///   as ``renew()`` is called at least twice in that time.
    init(
        store: Store, owner: CoordinatorID, courier: Courier, configuration: NotifyConfiguration, lease: Duration,
        wake: WakeSignal, logger: Logger
    ) {
        self.store = store
        self.owner = owner
        self.courier = courier
        self.configuration = configuration
        self.lease = lease
        self.wake = wake
        self.logger = logger
    }

    /// One bounded pass: zero means that more may be due at once.
    func poll() async throws -> Duration? {
        var dispatched = 0
        for _ in 0..<Self.dispatchesMax {
            let count = try await store.dispatchEvents(to: configuration.standing)
            dispatched += count
            if count < Store.dispatchLimit { break }
        }
        let recorded = try await record(upTo: Self.recordedPerPollMax)
        let (places, doubtfulIn) = places()
        let due = try await store.claimDeliveries(owner: owner, places: places, lease: lease)
        for duty in due { begin(duty) }
        return dispatched + recorded + due.count > 0 ? .zero : doubtfulIn
    }

    /// Keeps the leases of the attempts under way, and of those that are not recorded yet.
    func renew() async throws {
        let held = state.withLock { Array($0.underWay.keys) + $0.ended.map(\.duty.sequence) }
        try await store.renewDeliveries(held, owner: owner, lease: lease)
    }

    /// Waits for the attempts under way, breaks off those that take too long, and gives their deliveries back.
    func drain() async {
        let deadline = ContinuousClock.now.advanced(by: configuration.drainDeadline)
        while state.withLock({ !$0.underWay.isEmpty }), ContinuousClock.now < deadline {
            await wake.wait(upTo: ContinuousClock.now.duration(to: deadline))
        }
        let broken = state.withLock { Array($0.underWay.values) }
        for attempt in broken { attempt.task.cancel() }
        for attempt in broken { await attempt.task.value }
        do {
            _ = try await record()
        } catch {
            logger.warning(
                "attempts could not be recorded and will be made again", metadata: ["error": "\(error)"])
        }
    }

    /// What may be claimed now, and when there are places for doubtful targets again if there are none for now.
    private func places() -> (DeliveryPlaces, doubtfulIn: Duration?) {
        state.withLock { state in
            let all = state.underWay.count + state.ended.count
            let free = max(configuration.attemptsMax - all, 0)
            var places = DeliveryPlaces(all: free, doubtful: 0, perTarget: configuration.attemptsPerTargetMax)
            let now = ContinuousClock.now
            guard now >= state.doubtfulFrom else { return (places, now.duration(to: state.doubtfulFrom)) }
            state.doubtfulFrom = now + Self.doubtfulEvery
            let doubtful = all - state.healthyUnderWay
            let forDoubtful = max(configuration.attemptsMax - configuration.healthyReserve - doubtful, 0)
            places.doubtful = min(free, forDoubtful, Self.doubtfulPerPollMax)
            return (places, nil)
        }
    }

    private func begin(_ duty: DeliveryDuty) {
        state.withLock { state in
            if state.underWay[duty.sequence] != nil {
                // Its lease ran out, in an outage of the database, and was taken again: the attempt that is under way
                // counts for the new one, so that there are never two.
                state.underWay[duty.sequence]?.duty.attempts = duty.attempts
                return
            }
            if duty.isHealthy { state.healthyUnderWay += 1 }
            let task = Task { [courier] in
                let settlement = await courier.attempt(duty)
                self.end(duty, settlement)
            }
            state.underWay[duty.sequence] = (duty, task)
        }
    }

    private func end(_ duty: DeliveryDuty, _ settlement: DeliverySettlement?) {
        state.withLock { state in
            let held = state.underWay.removeValue(forKey: duty.sequence)?.duty ?? duty
            if duty.isHealthy { state.healthyUnderWay -= 1 }
            guard var settlement else { return state.brokenOff.append(held) }
            settlement.duty = held
            state.ended.append(settlement)
        }
        wake.wake()
    }

    /// Records what has ended; returns how many. What could not be recorded is kept for the next time.
    private func record(upTo limit: Int = .max) async throws -> Int {
        let brokenOff = state.withLock { $0.brokenOff }
        try await store.releaseDeliveries(brokenOff, owner: owner)
        state.withLock { $0.brokenOff.removeFirst(brokenOff.count) }
        let ended = state.withLock { Array($0.ended.prefix(limit)) }
        guard !ended.isEmpty else { return 0 }
        let disabled = try await store.settleDeliveries(ended, owner: owner, disableAfter: configuration.disableAfter)
        // Until here they count as ours, so that their leases are kept however long that takes.
        state.withLock { $0.ended.removeFirst(ended.count) }
        for (endpoint, reason) in disabled {
            logger.warning(
                "webhook endpoint disabled", metadata: ["endpoint": "\(endpoint)", "reason": "\(reason)"])
        }
        return ended.count
    }
}
