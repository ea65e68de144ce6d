// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchStore

/// The Cancel room: marks the row; workers hear of it and stop, and the Finalize room ends the batch.
///
/// Nothing here waits for a worker: a batch whose workers are all dead is cancelled just the same.
package struct BatchCanceller: Sendable {
    private let store: Store

    /// A canceller.
    package init(store: Store) {
        self.store = store
    }

    /// Asks the batch to stop and returns it as it stands then.
    ///
    /// - Throws: a 404 or 409 ``BatchCore/BatchError``.
    package func cancel(_ id: BatchID, project: ProjectID) async throws -> Batch {
        try await store.cancelBatch(id, project: project)
    }
}
