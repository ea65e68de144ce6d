// SPDX-License-Identifier: Apache-2.0

internal import BatchFiles
internal import BatchStore
internal import Logging
internal import Synchronization

/// Removes the bytes of deleted and expired files, and blobs that a crash left without a row.
final class FilePruner: Sendable {
    private let store: Store
    private let vault: any FileVault
    private let orphanAge: Duration
    private let logger: Logger
    private let bucket = Mutex<UInt8>(0)

    init(store: Store, vault: any FileVault, orphanAge: Duration, logger: Logger) {
        self.store = store
        self.vault = vault
        self.orphanAge = orphanAge
        self.logger = logger
    }

    /// One bounded pass: deleted files first, then one of the vault's 256 buckets.
    func poll() async throws -> Duration? {
        let expired = try await store.expireFiles()
        let prunable = try await store.prunableFiles()
        var fault: (any Error)?
        for file in prunable {
            // A blob that cannot be removed keeps no other from being removed.
            do {
                try await vault.delete(file.vaultKey)
                try await store.markPruned(file.id)
            } catch {
                logger.warning("cannot prune a file", metadata: ["file": "\(file.id)", "error": "\(error)"])
                fault = error
            }
        }
        try await sweepOrphans()
        if let fault { throw fault }
        return expired + prunable.count > 0 ? .zero : nil
    }

    private func sweepOrphans() async throws {
        let turn = bucket.withLock { bucket in
            defer { bucket &+= 1 }
            return bucket
        }
        let keys = try await vault.keys(inBucket: turn, olderThan: orphanAge)
        guard !keys.isEmpty else { return }
        let referenced = try await store.referencedKeys(keys)
        for key in keys where !referenced.contains(key) {
            try await vault.delete(key)
            logger.notice("removed an orphaned blob", metadata: ["key": "\(key)"])
        }
    }
}
