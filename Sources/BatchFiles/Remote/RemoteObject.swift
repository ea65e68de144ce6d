// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Curl
internal import Foundation

/// A file elsewhere, and the way to it. Errors are ``RemoteFault``, or `CancellationError` when the task was cancelled.
package struct RemoteObject: Sendable {
    /// How it is reached.
    enum Way: Sendable {
        case object(S3Client, key: String)
        case url(PresignedObject)
    }

    private let way: Way
    /// The address without any permission.
    package let place: String

    init(_ way: Way, place: String) {
        self.way = way
        self.place = place
    }

    /// Copies it into a vault, whole or not at all; nothing of it is kept in memory but the piece under way.
    ///
    /// - Parameter bytesMax: a longer one is refused, as soon as it shows.
    package func fetch(into vault: any FileVault, bytesMax: Int64) async throws -> SealedBlob {
        let writer: any BlobWriter
        do { writer = try await vault.begin() } catch { throw fault(error, "read") }
        do {
            try await copy(to: writer, bytesMax: bytesMax)
            return try await writer.seal()
        } catch {
            await writer.discard()
            throw fault(error, "read")
        }
    }

    /// How long it is, in bytes, without reading it; nil for a URL, which nobody can ask.
    package func size() async throws -> Int64? {
        guard case .object(let client, let key) = way else { return nil }
        do { return try await client.head(key).bytes } catch { throw fault(error, "read") }
    }

    /// Writes a blob of a vault here: the object is there as a whole or not at all, and writing it again changes
    /// nothing.
    ///
    /// - Parameters:
    ///   - isRepeat: whether an earlier attempt may have left parts.
    ///   - spoolDirectory: where the blob waits, in a file without a name, when it goes to a URL: such a one takes it
    ///     in a single request, whose body must be at hand for another try.
    package func write(
        _ file: NewFile, of vault: any FileVault, isRepeat: Bool, spoolDirectory: String
    ) async throws {
        do {
            switch way {
            case .object(let client, let key):
                try await write(file, of: vault, client, key, isRepeat: isRepeat)
            case .url(let object):
                let spool = try SpoolFile(directory: spoolDirectory)
                try await copy(file, of: vault) { piece in try await onBlockingThread { try spool.append(piece) } }
                try await object.put(
                    UploadBody([.file(path: spool.path, offset: 0, length: file.bytes)]))
            }
        } catch {
            throw fault(error, "write")
        }
    }

    private func copy(to writer: any BlobWriter, bytesMax: Int64) async throws {
        let download: ObjectDownload
        switch way {
        case .object(let client, let key): download = try await client.get(key)
        case .url(let object): download = try await object.get()
        }
        guard download.hasCertainEnd else {
            throw RemoteFault(
                .refused,
                "Cannot read \(place): the server does not tell how long the file is, so nobody would notice if a part "
                    + "of it were missing. Use one that sends Content-Length.")
        }
        var count: Int64 = 0
        if let announced = download.objectBytes, announced > bytesMax { throw tooLarge(announced, bytesMax) }
        while let piece = try await download.next() {
            count += Int64(piece.count)
            guard count <= bytesMax else { throw tooLarge(count, bytesMax) }
            await writer.ready()
            try piece.withUnsafeBytes { try writer.append($0) }
        }
    }

    private func write(
        _ file: NewFile, of vault: any FileVault, _ client: S3Client, _ key: String, isRepeat: Bool
    ) async throws {
        if isRepeat { await removeParts(client, key) }
        let writer = S3ObjectWriter(client, key: key)
        do {
            try await copy(file, of: vault) { piece in
                await writer.ready()
                try piece.withUnsafeBytes { try writer.append($0) }
            }
            try await writer.finish()
        } catch {
            // Another coordinator may have made the object meanwhile, so that only our parts go; and they do when this
            // task was cancelled, too.
            let cleaning = Task { await writer.abandon(deletesObject: false) }
            if !Task.isCancelled { await cleaning.value }
            throw error
        }
    }

    /// Gives up what a killed attempt left; where the keys do not allow it, the store's own rules do it some day.
    private func removeParts(_ client: S3Client, _ key: String) async {
        var uploads: [String] = []
        do {
            try await client.forEachUpload(prefix: key) { if $0.key == key { uploads.append($0.id) } }
            for upload in uploads { try await client.abortUpload(key, upload: upload) }
        } catch {
            // Nobody sees such parts.
        }
    }

    private func copy(
        _ file: NewFile, of vault: any FileVault, _ take: ([UInt8]) async throws -> Void
    ) async throws {
        var count: Int64 = 0
        for try await piece in try await vault.read(file.vaultKey, range: nil) {
            count += Int64(piece.count)
            try await take(piece)
        }
        guard count == file.bytes else { throw VaultError.truncated(key: file.vaultKey) }
    }

    private func tooLarge(_ bytes: Int64, _ bytesMax: Int64) -> RemoteFault {
        RemoteFault(
            .tooLarge,
            "\(place) has \(bytes) bytes or more; the limit is \(bytesMax). Split it into several batches.")
    }

    private func fault(_ error: any Error, _ doing: String) -> any Error {
        if Task.isCancelled { return CancellationError() }
        return RemoteFault(error, doing: doing, place: place) ?? error
    }
}

/// A temporary file without a name: gone with the process, however that ends.
private final class SpoolFile: Sendable {
    private let descriptor: CInt
    private let directory: String

    /// Where others in this process can open it.
    var path: String { "/proc/self/fd/\(descriptor)" }

    init(directory: String) throws {
        var template = Array("\(directory)/shardline-upload-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw FileSystem.fault("make a temporary file in", directory) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        self.descriptor = descriptor
        self.directory = directory
    }

    deinit { close(descriptor) }

    /// Appends bytes; blocks.
    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count, let base = bytes.baseAddress {
                let written = Foundation.write(descriptor, base + done, bytes.count - done)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw FileSystem.fault("write a temporary file in", directory) }
                done += written
            }
        }
    }
}
