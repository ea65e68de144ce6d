// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// Where a conversion writes: standard output, or a file that takes its name only when it is whole. Blocks.
final class ConvertedFile {
    /// What stands for standard input and output.
    static let dash = "-"
    /// Bytes gathered before a write.
    private static let writeBytes = 1 << 20

    private let path: String
    private let partPath: String?
    private let descriptor: CInt
    private let replaces: Bool
    private var buffer: [UInt8] = []
    private var isFinished = false

    /// Opens it. An existing file is replaced only when `replaces` says so, and not before everything is written.
    init(_ path: String, replaces: Bool) throws(ClientError) {
        self.path = path
        self.replaces = replaces
        guard path != Self.dash else {
            partPath = nil
            descriptor = STDOUT_FILENO
            return
        }
        let partPath = "\(path).\(getpid()).part"
        self.partPath = partPath
        var status = stat()
        let exists = lstat(path, &status) == 0
        guard !exists || (replaces && status.st_mode & S_IFMT != S_IFDIR) else {
            descriptor = -1
            throw .localFile(
                replaces
                    ? "\(path) is a directory: name a file in it"
                    : "\(path) exists: name another file, or replace it with --force")
        }
        descriptor = open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .localFile("cannot write \(partPath): \(LocalFile.reason(errno))") }
    }

    deinit {
        guard let partPath, descriptor >= 0 else { return }
        close(descriptor)
        // Whatever went wrong, nothing that looks like a result stays behind.
        if !isFinished { unlink(partPath) }
    }

    /// Writes what `append` appends.
    func write(_ append: (inout [UInt8]) throws -> Void) throws {
        try append(&buffer)
        if buffer.count >= Self.writeBytes { try flush() }
    }

    /// Writes what is left and gives the file its name.
    func finish() throws(ClientError) {
        try flush()
        guard let partPath else { return }
        guard fsync(descriptor) == 0 else {
            throw .localFile("cannot write \(partPath): \(LocalFile.reason(errno))")
        }
        if replaces {
            guard rename(partPath, path) == 0 else {
                throw .localFile("cannot rename \(partPath) to \(path): \(LocalFile.reason(errno))")
            }
        } else {
            // Unlike renaming, linking does not replace what somebody else has put there meanwhile.
            guard link(partPath, path) == 0 else {
                throw .localFile("cannot write \(path): \(LocalFile.reason(errno))")
            }
            unlink(partPath)
        }
        isFinished = true
    }

    private func flush() throws(ClientError) {
        guard !buffer.isEmpty else { return }
        try writeAll(buffer, to: descriptor, name: path == Self.dash ? "standard output" : path)
        buffer.removeAll(keepingCapacity: true)
    }
}
