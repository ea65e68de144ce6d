// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore

/// Thrown when another coordinator took over, or the batch moved on without us: what was made is dropped.
struct DutyLost: Error {}

/// Keeps a duty's lease alive while work on it runs, and stops the work when the lease is lost.
struct DutyKeeper: Sendable {
    let store: Store
    let lease: Duration
    let renewEvery: Duration

    /// Runs `work`; cancels it and throws ``DutyLost`` when the lease is lost meanwhile.
    ///
    /// A renewal that fails for a moment (the database is away) is tried again; the epoch decides in the end.
    func keep<T: Sendable>(_ duty: DutyLease, while work: @escaping @Sendable () async throws -> T) async throws -> T {
        try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await work() }
            group.addTask { try await renewUntilLost(duty) }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let finished { return finished }
            }
            throw DutyLost()
        }
    }

    private func renewUntilLost<T>(_ duty: DutyLease) async throws -> T? {
        while true {
            try await Task.sleep(for: renewEvery)
            do {
                guard try await store.renewDuty(duty, lease: lease) else { throw DutyLost() }
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
