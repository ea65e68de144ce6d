// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Foundation

/// A vault in a directory of a local or shared file system.
///
/// A blob is written as `incoming/KEY`, flushed, and renamed to `blobs/XX/KEY`, whose directory is flushed too: after a
/// crash a blob is either whole or not there. `XX` are the key's first two digits.
package final class DirectoryVault: FileVault {
    /// The directory given.
    package let path: String

    /// Opens the vault at `path`, making its directories (mode 0700) when they are missing.
    package init(path: String) throws {
        self.path = path
        for directory in [path, path + "/incoming", path + "/blobs"] {
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
                throw FileSystem.fault("make the directory", directory)
            }
        }
    }

    /// Starts a blob in `incoming`; see ``FileVault/begin()``.
    package func begin() async throws -> any BlobWriter {
        let key = BlobKey.fresh()
        return try DirectoryBlobWriter(
            key: key, incoming: "\(path)/incoming/\(key)", bucket: bucketPath(of: key), final: blobPath(of: key))
    }

    /// Opens a blob and reads it off the cooperative threads; see ``FileVault/read(_:range:)``.
    package func read(_ key: String, range: Range<Int64>?) async throws -> BlobReader {
        guard BlobKey.isKey(key) else { throw VaultError.missing(key: key) }
        let path = blobPath(of: key)
        let file = try await onBlockingThread { try OpenFile(key: key, path: path, range: range) }
        return BlobReader { try await onBlockingThread { try file.next() } }
    }

    /// Reads on the calling thread; the bytes were streamed a moment ago and are in the page cache.
    package func readBack(_ key: String, offset: Int64, length: Int) throws -> [UInt8] {
        guard BlobKey.isKey(key) else { throw VaultError.missing(key: key) }
        let file = try OpenFile(key: key, path: blobPath(of: key), range: offset..<(offset + Int64(length)))
        var bytes: [UInt8] = []
        while let piece = try file.next() { bytes += piece }
        return bytes
    }

    /// Removes the blob, sealed or not.
    package func delete(_ key: String) async throws {
        guard BlobKey.isKey(key) else { return }
        let paths = [blobPath(of: key), "\(path)/incoming/\(key)"]
        try await onBlockingThread {
            for path in paths where unlink(path) != 0 && errno != ENOENT { throw FileSystem.fault("delete", path) }
        }
    }

    /// Lists one bucket and what was abandoned in `incoming`.
    package func keys(inBucket bucket: UInt8, olderThan age: Duration) async throws -> [String] {
        let digits = BlobKey.digits(ofBucket: bucket)
        // A blob being written may wait long for its next byte: the error file of a batch without errors, say.
        let ages = [("\(path)/blobs/\(digits)", age), ("\(path)/incoming", max(age, Self.incomingAgeMin))]
        let now = Date().timeIntervalSince1970
        return try await onBlockingThread {
            var keys: [String] = []
            for (directory, age) in ages {
                let oldest = now - Double(age.components.seconds)
                for name in try FileSystem.names(in: directory) where BlobKey.isKey(name) && name.hasPrefix(digits) {
                    var status = stat()
                    guard stat("\(directory)/\(name)", &status) == 0 else { continue }
                    if Double(status.st_mtim.tv_sec) < oldest { keys.append(name) }
                }
            }
            return keys
        }
    }

    /// Writes, flushes and removes a probe.
    package func check() async throws {
        let probe = "\(path)/incoming/probe-\(BlobKey.fresh())"
        try await onBlockingThread {
            let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw FileSystem.fault("write", probe) }
            defer {
                close(descriptor)
                unlink(probe)
            }
            guard write(descriptor, "x", 1) == 1, fsync(descriptor) == 0 else {
                throw FileSystem.fault("write", probe)
            }
        }
    }

    /// Nobody writes one blob for longer than this.
    private static let incomingAgeMin = Duration.seconds(86_400)

    private func bucketPath(of key: String) -> String { "\(path)/blobs/\(key.prefix(2))" }

    private func blobPath(of key: String) -> String { "\(bucketPath(of: key))/\(key)" }
}

/// A sealed blob open for reading; used by one task at a time.
private final class OpenFile: Sendable {
    private static let pieceBytes: Int64 = 256 << 10
    private let key: String
    private let path: String
    private let descriptor: CInt
    private let end: Int64
    private let position: Position

    init(key: String, path: String, range: Range<Int64>?) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? VaultError.missing(key: key) : FileSystem.fault("open", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileSystem.fault("examine", path) }
        self.key = key
        self.path = path
        end = range?.upperBound ?? Int64(status.st_size)
        position = Position(range?.lowerBound ?? 0)
    }

    deinit { close(descriptor) }

    func next() throws -> [UInt8]? {
        let offset = position.value
        let wanted = Int(min(Self.pieceBytes, end - offset))
        guard wanted > 0 else { return nil }
        let piece = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            let got = pread(descriptor, buffer.baseAddress, wanted, off_t(offset))
            guard got >= 0 else { throw FileSystem.fault("read", path) }
            count = got
        }
        guard !piece.isEmpty else { throw VaultError.truncated(key: key) }
        position.value = offset + Int64(piece.count)
        return piece
    }
}
