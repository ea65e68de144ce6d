// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Logging
internal import Loops

/// Moves batches whose last shard is done, or whose window has passed, on to the finalizer.
struct BatchCloser: Sendable {
    let store: Store
    /// Woken when a batch was moved.
    let finalizer: WakeSignal
    let logger: Logger

    /// One bounded pass.
    func poll() async throws -> Duration? {
        let moved = try await store.closeBatches()
        guard moved > 0 else { return nil }
        logger.info("batches go to finalizing", metadata: ["count": "\(moved)"])
        finalizer.wake()
        return .zero
    }
}
