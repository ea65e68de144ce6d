// SPDX-License-Identifier: Apache-2.0
internal import BatchCore

/// The lines of a stored file one after another, with the memory of one piece of the file and one line.
struct StoredLines {
    /// Which bytes of a line are kept.
    enum Kept {
        /// The raw `custom_id` token only.
        case token
        /// All of it.
        case line
    }

    /// One line.
    struct Line {
        /// The raw `custom_id` token, quotes included.
        var token: [UInt8]
        /// The line without its line break; empty where only the token is kept.
        var bytes: [UInt8]
    }

    /// Bytes asked for at once.
    static let pieceBytes = 4 << 20
    /// Longest line that is read; servers accept far shorter ones.
    private static let lineBytesMax = 1 << 30

    /// The file.
    let file: WireFile
    /// Bytes of it read so far.
    private(set) var position: Int64 = 0
    private let client: Client
    private let kept: Kept
    private let pieceBytes: Int
    private var splitter = LineSplitter(lineBytesMax: StoredLines.lineBytesMax)
    private var lines: [Line] = []
    private var next = 0
    private var isAtEnd = false

    /// The lines of `file` from its first.
    init(_ file: WireFile, keeping kept: Kept, client: Client, pieceBytes: Int = StoredLines.pieceBytes) {
        self.file = file
        self.kept = kept
        self.client = client
        self.pieceBytes = pieceBytes
    }

    /// The line that comes next, without passing it; nil at the end. Blank lines are passed over.
    mutating func peek() async throws(ClientError) -> Line? {
        while next == lines.count {
            guard !isAtEnd else { return nil }
            lines.removeAll(keepingCapacity: true)
            next = 0
            try await readPiece()
        }
        return lines[next]
    }

    /// Passes the line that ``peek()`` gives.
    mutating func pass() {
        next += 1
    }

    private mutating func readPiece() async throws(ClientError) {
        let piece = try await client.piece(of: file, from: position, count: pieceBytes)
        position += Int64(piece.count)
        isAtEnd = piece.isEmpty
        let (file, kept, server) = (self.file, self.kept, client.address.description)
        var found: [Line] = []
        do {
            try piece.withUnsafeBytes { bytes in
                let take = { (line: FileLine) throws in
                    if let line = try Self.read(line, of: file, keeping: kept, server) { found.append(line) }
                }
                if bytes.isEmpty { try splitter.finish(take) } else { try splitter.feed(bytes, take) }
            }
        } catch let error as ClientError {
            throw error
        } catch {
            throw .unintelligible(server: server, doing: "read file \(file.id)", why: "\(error)")
        }
        lines = found
    }

    private static func read(
        _ line: FileLine, of file: WireFile, keeping kept: Kept, _ server: String
    ) throws(ClientError) -> Line? {
        if !line.isTooLong, line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
        guard let range = CustomIDToken.find(in: line.bytes) else {
            throw .unintelligible(
                server: server, doing: "read file \(file.id)", why: "line \(line.number) has no custom_id")
        }
        return Line(token: Array(line.bytes[range]), bytes: kept == .line ? Array(line.bytes) : [])
    }
}
