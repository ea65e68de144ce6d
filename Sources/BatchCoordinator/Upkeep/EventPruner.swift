// SPDX-License-Identifier: Apache-2.0

internal import BatchStore

/// Deletes events, with the log of their deliveries, that are older than they are kept.
struct EventPruner: Sendable {
    let store: Store
    let retention: Duration

    /// How often it looks when there was nothing to delete.
    static let every = Duration.seconds(300)

    /// One bounded pass: zero means that there may be more.
    func poll() async throws -> Duration? {
        try await store.pruneEvents(olderThan: retention) > 0 ? .zero : nil
    }
}
