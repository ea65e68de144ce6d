// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Crypto
internal import Foundation
internal import Synchronization

/// Writes one blob of a ``DirectoryVault``, hashing on the way.
///
/// After a failed flush the file is given up and never flushed again: the kernel may have dropped the dirty pages.
package final class DirectoryBlobWriter: BlobWriter {
    private struct State {
        var descriptor: CInt
        var bytes: Int64 = 0
        var hash = SHA256()
    }

    private let key: String
    private let incoming: String
    private let bucket: String
    private let final: String
    private let state: Mutex<State>

    init(key: String, incoming: String, bucket: String, final: String) throws {
        let descriptor = open(incoming, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.fault("create", incoming) }
        self.key = key
        self.incoming = incoming
        self.bucket = bucket
        self.final = final
        self.state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    /// Writes and hashes the next bytes.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard state.descriptor >= 0 else {
                throw VaultError.system(operation: "append to", path: incoming, reason: "the blob is closed")
            }
            var rest = bytes
            while let base = rest.baseAddress, !rest.isEmpty {
                let written = write(state.descriptor, base, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    throw FileSystem.fault("write", incoming)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
            state.hash.update(bufferPointer: bytes)
            state.bytes += Int64(bytes.count)
        }
    }

    /// Flushes, renames and flushes the directories, off the cooperative threads.
    package func seal() async throws -> SealedBlob {
        try await onBlockingThread { [self] in try sealNow() }
    }

    /// Closes and removes the unsealed file.
    package func discard() async {
        _ = try? await onBlockingThread { [self] in
            closeDescriptor()
            // The sweeper removes what cannot be removed now.
            unlink(incoming)
        }
    }

    private func sealNow() throws -> SealedBlob {
        let blob = try state.withLock { state in
            // Sealing counts as touching: the sweeper must not take a blob whose row is about to be committed.
            guard state.descriptor >= 0, futimens(state.descriptor, nil) == 0, fsync(state.descriptor) == 0 else {
                throw FileSystem.fault("flush", incoming)
            }
            return SealedBlob(vaultKey: key, bytes: state.bytes, sha256: Array(state.hash.finalize()))
        }
        closeDescriptor()
        if mkdir(bucket, 0o700) == 0 {
            try FileSystem.flushDirectory((bucket as NSString).deletingLastPathComponent)
        } else if errno != EEXIST {
            throw FileSystem.fault("make the directory", bucket)
        }
        guard rename(incoming, final) == 0 else { throw FileSystem.fault("rename", incoming) }
        try FileSystem.flushDirectory(bucket)
        return blob
    }

    private func closeDescriptor() {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
        }
    }
}
