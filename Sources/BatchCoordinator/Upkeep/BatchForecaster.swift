// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Logging

/// Measures how fast batches advance and marks those that would miss their window, which are then claimed first.
struct BatchForecaster: Sendable {
    let store: Store
    let every: Duration
    let logger: Logger

    /// One look at every running batch.
    func poll() async throws -> Duration? {
        let changed = try await store.forecastBatches(every: every)
        if changed > 0 { logger.info("batches became urgent or no longer are", metadata: ["count": "\(changed)"]) }
        return nil
    }
}
