// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Logging

/// Moves batches whose last shard is done, or whose window has passed, on to the finalizer.
struct BatchCloser: Sendable {
    let store: Store
    /// Called when a batch was moved.
    let wakeFinalizers: @Sendable () -> Void
    let logger: Logger

    /// One bounded pass.
    func poll() async throws -> Duration? {
        let moved = try await store.closeBatches()
        guard moved > 0 else { return nil }
        logger.info("batches go to finalizing", metadata: ["count": "\(moved)"])
        wakeFinalizers()
        return .zero
    }
}
