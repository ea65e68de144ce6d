// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// Brings the content of a stored file to a path or to standard output.
struct Fetching {
    /// The command's surroundings.
    let session: Session
    /// Whether progress is shown.
    var isShown = true

    /// Downloads file `id` to `path`; nil and `-` mean standard output. Returns how many bytes the file has.
    @discardableResult
    func fetch(_ id: String, to path: String?) async throws(ClientError) -> Int64 {
        let file = try await session.client.file(id).value
        guard let path, path != "-" else {
            try await run(file, to: session.output, isShown: isShown && !session.terminal.isOutputTerminal)
            return file.bytes
        }
        if let descriptor = try Self.special(path) {
            defer { close(descriptor) }
            try await run(file, to: StandardOutput(descriptor: descriptor, name: path), isShown: isShown)
            return file.bytes
        }
        let part = try PartFile(destination: path, fileID: file.id)
        let start = await part.position
        if start > 0 {
            session.narrator.say("going on from byte \(Quantities.count(start)) of an earlier download")
        }
        do {
            try await run(file, to: part, isShown: isShown)
            try await part.finish()
        } catch ClientError.cancelled {
            session.narrator.say("what has arrived is kept in \(part.partPath): the same command goes on from there")
            throw .cancelled
        }
        session.narrator.say("saved \(Quantities.size(file.bytes)) to \(path)")
        return file.bytes
    }

    /// Finds out before long work whether `path` can be written to at its end.
    static func checkDestination(_ path: String) throws(ClientError) {
        guard path != "-" else { return }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw .localFile("\(path) is a directory: name a file in it")
        }
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard access(directory, W_OK) == 0 else {
            throw .localFile("cannot write \(path): \(LocalFile.reason(errno))")
        }
    }

    private func run(_ file: WireFile, to sink: any DownloadSink, isShown: Bool) async throws(ClientError) {
        try await TransferDisplay.run(
            "downloading", total: file.bytes, narrator: session.narrator, isShown: isShown
        ) { progress throws(ClientError) in
            try await session.client.downloadFile(file.id, bytes: file.bytes, to: sink, progress: progress)
        }
    }

    /// Opens `path` when it is a device or a pipe, which must be written to as it is; nil for files and new names.
    static func special(_ path: String) throws(ClientError) -> CInt? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFREG, kind != S_IFDIR else { return nil }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .localFile("cannot write \(path): \(LocalFile.reason(errno))")
        }
        return descriptor
    }
}
