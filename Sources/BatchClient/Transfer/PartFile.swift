// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A download to a local path. The bytes collect in a file beside it, which takes its name only when it is whole.
///
/// The file beside it is called `PATH.FILE-ID.part`. Stored files never change, so one that an earlier run left
/// behind holds the first bytes of the same file, and the download goes on where that run stopped. A lock keeps two
/// runs apart.
package actor PartFile: DownloadSink {
    private let destination: String
    /// Where the bytes collect.
    package nonisolated let partPath: String
    private let descriptor: CInt
    private let queue = BlockingQueue(label: "part-file")
    /// See ``DownloadSink/position``.
    package private(set) var position: Int64

    /// Opens or creates the part file of `fileID` for `destination`.
    package init(destination: String, fileID: String) throws(ClientError) {
        let plainID = String(fileID.unicodeScalars.prefix(100).map { Self.isPlain($0) ? Character($0) : "_" })
        let partPath = "\(destination).\(plainID).part"
        var status = stat()
        if stat(destination, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw .localFile("\(destination) is a directory: name a file in it")
        }
        let descriptor = open(partPath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .localFile("cannot write \(partPath): \(LocalFile.reason(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .localFile("\(partPath) is in use: another download to the same place is running")
        }
        guard fstat(descriptor, &status) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
            let reason = LocalFile.reason(errno)
            close(descriptor)
            throw .localFile("cannot write \(partPath): \(reason)")
        }
        self.destination = destination
        self.partPath = partPath
        self.descriptor = descriptor
        self.position = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    /// See ``DownloadSink/write(_:)``.
    package func write(_ bytes: [UInt8]) async throws(ClientError) {
        let (descriptor, partPath) = (self.descriptor, self.partPath)
        try await queue.run { () throws(ClientError) in
            try writeAll(bytes, to: descriptor, name: partPath)
        }
        position += Int64(bytes.count)
    }

    /// Empties the part file.
    package func rewind() async throws(ClientError) -> Bool {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .localFile("cannot write \(partPath): \(LocalFile.reason(errno))")
        }
        position = 0
        return true
    }

    /// Gives the whole file its name, replacing what was there; its bytes are on disk before that.
    package func finish() async throws(ClientError) {
        let (descriptor, partPath, destination) = (self.descriptor, self.partPath, self.destination)
        try await queue.run { () throws(ClientError) in
            guard fsync(descriptor) == 0 else {
                throw .localFile("cannot write \(partPath): \(LocalFile.reason(errno))")
            }
            guard rename(partPath, destination) == 0 else {
                throw .localFile("cannot rename \(partPath) to \(destination): \(LocalFile.reason(errno))")
            }
        }
    }

    /// Whether a character may stand in a file name without a second thought.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }
}

/// Writes all of `bytes`, however many pieces that takes. Blocks.
package func writeAll(_ bytes: [UInt8], to descriptor: CInt, name: String) throws(ClientError) {
    let code: CInt = bytes.withUnsafeBytes { buffer in
        var rest = buffer[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                return errno
            }
            rest = rest.dropFirst(written)
        }
        return 0
    }
    switch code {
    case 0: return
    case ENOSPC, EDQUOT:
        throw .localFile("no space left for \(name): free some and run the same command again to go on from here")
    case EPIPE: throw .outputClosed
    default: throw .localFile("cannot write \(name): \(LocalFile.reason(code))")
    }
}
