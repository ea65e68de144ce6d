// SPDX-License-Identifier: Apache-2.0

internal import BatchStore

/// Deletes temporary API keys that have ended.
struct KeyPruner: Sendable {
    let store: Store

    /// How often it looks when there was nothing to delete.
    static let every = Duration.seconds(300)

    /// One bounded pass: zero means that there may be more.
    func poll() async throws -> Duration? {
        try await store.pruneTemporaryKeys() > 0 ? .zero : nil
    }
}
