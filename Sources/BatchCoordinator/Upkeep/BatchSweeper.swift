// SPDX-License-Identifier: Apache-2.0

internal import BatchStore

/// Removes shards and segments of batches that have ended, a bounded number at a time.
struct BatchSweeper: Sendable {
    let store: Store

    /// Between two deletes, so that sweeping leaves the database to the workers.
    private static let breath = Duration.milliseconds(20)

    /// One bounded pass.
    func poll() async throws -> Duration? {
        try await store.sweepBatch() ? Self.breath : nil
    }
}
