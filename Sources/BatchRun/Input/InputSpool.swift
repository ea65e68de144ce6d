// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles
import Curl
import Glibc
import Loops

/// Makes an input readable more than once: a local file as it is, a pipe or a URL as a temporary copy that has no name
/// and goes with the process, however that ends.
struct InputSpool: Sendable {
    /// Where temporary files go.
    let folder: String
    /// Fetches URLs.
    let engine: CurlEngine
    /// Ends the reading of a pipe.
    let stop: StopFlag
    /// Where it tells how far it is.
    let board: ProgressBoard

    /// How often a silent pipe is left to see whether the run shall stop, in milliseconds.
    private static let lookMilliseconds: CInt = 200

    /// The input behind a place.
    func open(_ place: InputPlace) async throws -> InputFile {
        switch place {
        case .path(let path):
            let thread = BlockingThread("input")
            return try await thread.run { try local(path) }
        case .standardInput:
            let thread = BlockingThread("input")
            return try await thread.run { try copied(OpenFile(descriptor: dup(STDIN_FILENO), path: place.name)) }
        case .url(let url):
            return try await fetched(url, name: place.name)
        }
    }

    /// A regular file as it is, anything else copied.
    private func local(_ path: String) throws -> InputFile {
        let file = try OpenFile(path, flags: O_RDONLY, verb: "read")
        switch try file.status().st_mode & S_IFMT {
        case S_IFREG: return try InputFile(file, name: path)
        case S_IFDIR: throw RunError(.localFile, "\(path) is a directory: name a file in it")
        default: return try copied(file)
        }
    }

    /// A copy of everything that comes out of a pipe.
    private func copied(_ source: OpenFile) throws -> InputFile {
        // A file given as `< FILE` needs no copy.
        if try source.status().st_mode & S_IFMT == S_IFREG { return try InputFile(source, name: source.path) }
        let copy = try unnamed()
        board.begin(.reading, total: nil)
        var done: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: InputFile.pieceBytes)
        while true {
            guard !stop.isRaised else { throw RunError(.interrupted, "stopped before anything was sent") }
            var waiting = pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, Self.lookMilliseconds) == 0 { continue }
            let count = read(source.descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else {
                throw RunError(.localFile, "cannot read \(source.path): \(OpenFile.reason(errno))")
            }
            guard count > 0 else { return try InputFile(copy, name: source.path) }
            try copy.write(Array(buffer[..<count]))
            done += Int64(count)
            board.update(done: done)
        }
    }

    /// A copy of what a URL answers; a broken connection is made good where the server allows.
    private func fetched(_ url: OutboundURL, name: String) async throws -> InputFile {
        let thread = BlockingThread("input")
        let copy = try unnamed()
        do {
            let object = PresignedObject(url, engine: engine, addressRule: .any, followsRedirects: true)
            let download = try await object.get()
            guard download.hasCertainEnd else {
                throw RunError(
                    .refused,
                    "cannot read \(name): the server does not tell how long the file is, so nobody would notice if a "
                        + "part of it were missing; use one that sends Content-Length, or fetch the file yourself")
            }
            board.begin(.reading, total: download.objectBytes)
            var done: Int64 = 0
            while let piece = try await download.next() {
                try await thread.run { try copy.write(piece) }
                done += Int64(piece.count)
                board.update(done: done)
            }
        } catch let error as S3Error {
            guard !stop.isRaised else { throw RunError(.interrupted, "stopped before anything was sent") }
            throw RunError(.unreachable, "cannot read the input: \(error)")
        }
        return try InputFile(copy, name: name)
    }

    /// A new file without a name.
    private func unnamed() throws(RunError) -> OpenFile {
        var template = Array("\(folder)/.batchctl-run-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw RunError(
                .localFile,
                "cannot make a temporary file in \(folder): \(OpenFile.reason(errno)); "
                    + "name another folder with --tmp-dir")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return OpenFile(descriptor: descriptor, path: "the temporary copy of the input in \(folder)")
    }
}
