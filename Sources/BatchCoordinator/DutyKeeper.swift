// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Logging
internal import Loops
internal import Synchronization

/// Thrown when another coordinator took over, or the batch moved on without us: what was made is dropped.
struct DutyLost: Error {}

/// Keeps a duty's lease alive while work on it runs, and stops the work when the lease is lost.
struct DutyKeeper: Sendable {
    let store: Store
    let lease: Duration
    let renewEvery: Duration
    let logger: Logger

    /// Time to give a duty back when the coordinator is being stopped; afterwards the lease runs out by itself.
    private static let giveBackLimit = Duration.seconds(2)

    /// Runs `work`; cancels it when the lease is lost meanwhile. False when it was lost: what was made is dropped.
    ///
    /// A renewal that fails for a moment (the database is away) is tried again; the epoch decides in the end.
    /// Unfinished
    /// work is given back, also when this coordinator is being stopped.
    /// - Parameter isStrict: whether the work also ends when no renewal succeeded for as long as a lease lasts: for
    ///   what no epoch fences.
    func keep(
        _ duty: DutyLease, isStrict: Bool = false, while work: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        let confirmed = ConfirmedLease()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await work() }
                group.addTask { try await renewUntilLost(duty, confirmed) }
                if isStrict { group.addTask { try await confirmed.loseUnlessConfirmed(every: lease) } }
                defer { group.cancelAll() }
                try await group.next()
            }
            return true
        } catch is DutyLost {
            await giveBack(duty, failed: false)
            return false
        } catch {
            await giveBack(duty, failed: !(error is CancellationError) && !Task.isCancelled)
            throw error
        }
    }

    private func giveBack(_ duty: DutyLease, failed: Bool) async {
        do {
            try await withoutCancellation {
                try await withDeadline(Self.giveBackLimit) { try await store.releaseDuty(duty, failed: failed) }
            }
        } catch {
            logger.notice(
                "a duty could not be given back; its lease runs out by itself",
                metadata: ["batch": "\(duty.batch)", "error": "\(error)"])
        }
    }

    private func renewUntilLost(_ duty: DutyLease, _ confirmed: ConfirmedLease) async throws {
        while true {
            try await Task.sleep(for: renewEvery)
            let askedAt = ContinuousClock.now
            do {
                guard try await store.renewDuty(duty, lease: lease) else { throw DutyLost() }
                confirmed.confirm(askedAt)
            } catch let lost as DutyLost {
                throw lost
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                continue
            }
        }
    }
}

/// When a lease was confirmed last, by the local clock: at the latest moment at which it surely ran.
private final class ConfirmedLease: Sendable {
    private let at = Mutex(ContinuousClock.now)

    func confirm(_ instant: ContinuousClock.Instant) {
        at.withLock { $0 = max($0, instant) }
    }

    /// Returns never, but throws ``DutyLost`` when nothing was confirmed for `lease`.
    func loseUnlessConfirmed(every lease: Duration) async throws {
        while true {
            let end = at.withLock { $0 } + lease
            guard end > .now else { throw DutyLost() }
            try await Task.sleep(until: end, clock: .continuous)
        }
    }
}
