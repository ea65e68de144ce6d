// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Crypto
internal import Synchronization

/// Writes one blob of a ``S3Vault``, hashing on the way.
package final class S3BlobWriter: BlobWriter {
    private struct State {
        var bytes: Int64 = 0
        var hash = SHA256()
    }

    private let key: String
    private let path: String
    private let writer: S3ObjectWriter
    private let state = Mutex(State())

    init(key: String, path: String, writer: S3ObjectWriter) {
        self.key = key
        self.path = path
        self.writer = writer
    }

    /// Takes and hashes the next bytes; a thread that is faster than the store waits here.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try writer.append(bytes)
        } catch {
            throw S3Vault.fault(error, key: key, path: path, operation: "append to")
        }
        state.withLock { state in
            state.hash.update(bufferPointer: bytes)
            state.bytes += Int64(bytes.count)
        }
    }

    /// Waits until the next part can be taken.
    package func ready() async { await writer.ready() }

    /// Makes the object; it is there as a whole or not at all.
    package func seal() async throws -> SealedBlob {
        do {
            try await writer.finish()
        } catch {
            throw S3Vault.fault(error, key: key, path: path, operation: "write")
        }
        return state.withLock {
            SealedBlob(vaultKey: key, bytes: $0.bytes, sha256: Array($0.hash.finalize()))
        }
    }

    /// Aborts the upload; the sweeper removes what cannot be removed now.
    package func discard() async { await writer.abandon() }
}
