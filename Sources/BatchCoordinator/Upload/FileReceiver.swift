// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchFiles
package import BatchStore
internal import Synchronization

/// The Upload room: takes bytes as they arrive and makes a file of them.
///
/// The row is committed after the blob is sealed: a crash leaves at most an orphaned blob, which the sweeper removes.
package struct FileReceiver: Sendable {
    private let store: Store
    private let vault: any FileVault
    private let limits: Limits

    /// A receiver.
    package init(store: Store, vault: any FileVault, limits: Limits) {
        self.store = store
        self.vault = vault
        self.limits = limits
    }

    /// Starts a file whose purpose and name may become known later than its bytes.
    package func begin(as profile: Profile = .openAI) async throws -> IncomingFile {
        do {
            return IncomingFile(
                writer: try await vault.begin(), vault: vault, store: store, profile: profile, limits: limits)
        } catch let error as VaultError {
            throw Self.userError(error)
        }
    }

    /// What a user may see of a vault's failure: only that there is no room, the rest is logged.
    static func userError(_ error: VaultError) -> any Error {
        guard case .full = error else { return error }
        return BatchError.storageFull(
            "The server has no space left to store the file; delete files you no longer need or ask the operator.")
    }
}

/// A file on its way in; one user at a time.
package final class IncomingFile: Sendable {
    private let writer: any BlobWriter
    private let vault: any FileVault
    private let store: Store
    private let profile: Profile
    private let bytesMax: Int64
    private let storage: StorageLimits
    private let received = Mutex<Int64>(0)

    init(writer: any BlobWriter, vault: any FileVault, store: Store, profile: Profile, limits: Limits) {
        self.writer = writer
        self.vault = vault
        self.store = store
        self.profile = profile
        self.bytesMax = limits.of(profile).fileBytesMax
        self.storage = limits.storage(of: profile)
    }

    /// Waits until the vault takes more; a task calls it before it appends what has come.
    package func ready() async {
        await writer.ready()
    }

    /// Takes the next bytes.
    ///
    /// - Throws: a 413 or 507 ``BatchCore/BatchError``; the caller then calls ``discard()``.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        let total = received.withLock { received in
            received += Int64(bytes.count)
            return received
        }
        guard total <= bytesMax else {
            throw BatchError.tooLarge(
                "The file is larger than the limit of \(bytesMax) bytes; split it and upload the parts.",
                param: "file")
        }
        do {
            try writer.append(bytes)
        } catch let error as VaultError {
            throw FileReceiver.userError(error)
        }
    }

    /// Seals the bytes and records the file; from now on it is visible.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for a file without bytes, or one that the project has no room for.
    package func commit(
        project: ProjectID, purpose: FilePurpose, filename: String, expiresAfterSeconds: Int64?
    ) async throws -> StoredFile {
        guard received.withLock({ $0 }) > 0 else {
            throw BatchError.invalid("The file '\(filename)' is empty: it has no bytes.", param: "file")
        }
        let blob: SealedBlob
        do {
            blob = try await writer.seal()
        } catch let error as VaultError {
            throw FileReceiver.userError(error)
        }
        let file = NewFile(
            id: profile.fileID(.upload), project: project, purpose: purpose, filename: filename, bytes: blob.bytes,
            sha256: blob.sha256, vaultKey: blob.vaultKey, expiresAfterSeconds: expiresAfterSeconds)
        do {
            return try await store.insertFile(file, storage: storage)
        } catch let refusal as BatchError {
            // Refused, so no row names the bytes; of any other error that is not certain. What cannot be removed now is
            // found by the pruner.
            try? await vault.delete(blob.vaultKey)
            throw refusal
        }
    }

    /// Gives the file up and removes its bytes.
    package func discard() async {
        await writer.discard()
    }
}
