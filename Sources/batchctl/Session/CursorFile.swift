// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// A small file that keeps a reader's place in the events, so that the next run goes on where this one ended.
struct CursorFile: Sendable {
    /// Where it is.
    let path: String
    private let queue = BlockingQueue(label: "cursor-file")

    /// Most bytes of it; an event's id has some forty.
    private static let bytesMax = 1_024
    /// The word for the place before the oldest event.
    private static let startWord = "start"

    /// The file at `path`, which may not exist yet; throws when it could not be replaced.
    init(path: String) throws(ClientError) {
        self.path = path
        guard path != "-" else { throw .localFile("--cursor-file must name a file: - cannot be read again") }
        try Fetching.checkDestination(path)
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw .localFile("\(path) is not a regular file: a cursor cannot be kept in it")
        }
    }

    /// The place it holds; nil when it does not exist or is empty.
    func read() async throws(ClientError) -> EventCursor? {
        guard access(path, F_OK) == 0 else { return nil }
        let text = try await SmallFile.text(path, bytesMax: Self.bytesMax)
        if text.isEmpty { return nil }
        if text == Self.startWord { return .start }
        guard EventsCommand.isEventID(text) else {
            throw .localFile("\(path) holds no cursor, which would be the id of an event: evt_…. Name another file")
        }
        return .event(text)
    }

    /// Replaces what it holds, all at once; the bytes are on disk before they count. `now` is no place and is not kept.
    func write(_ cursor: EventCursor) async throws(ClientError) {
        let text: String
        switch cursor {
        case .now: return
        case .start: text = Self.startWord
        case .event(let id): text = id
        }
        let path = self.path
        try await queue.run { () throws(ClientError) in
            try Self.replace(path, with: Array((text + "\n").utf8))
        }
    }

    private static func replace(_ path: String, with bytes: [UInt8]) throws(ClientError) {
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .localFile("cannot write \(fresh): \(LocalFile.reason(errno))") }
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor, name: fresh)
        guard fsync(descriptor) == 0 else { throw .localFile("cannot write \(fresh): \(LocalFile.reason(errno))") }
        guard rename(fresh, path) == 0 else {
            throw .localFile("cannot rename \(fresh) to \(path): \(LocalFile.reason(errno))")
        }
    }
}
