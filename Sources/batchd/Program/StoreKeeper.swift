// SPDX-License-Identifier: Apache-2.0
import BatchStore
import ServiceLifecycle

/// Closes the store's connections after everybody who uses them has stopped.
struct StoreKeeper: Service {
    /// What is closed.
    let store: Store

    /// Waits for the end, then closes.
    func run() async throws {
        // Cancelled or told: either way it is the end.
        try? await gracefulShutdown()
        await store.close()
    }
}
