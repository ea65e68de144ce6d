// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Glibc

/// Reads the beginnings of the lines of a result file one after another. Blocks.
struct ResultCursor {
    /// A whole line.
    struct Line {
        /// Physical line, 1-based.
        let number: Int
        /// The raw `custom_id` token; empty when the line is none of ours.
        let customID: [UInt8]
        /// Whether the request failed.
        let isFailed: Bool
        /// Whether its id is of the format.
        let isOfFormat: Bool
        /// Offset behind its line break.
        let end: Int64
    }

    private let file: OpenFile
    private let format: ResultFormat
    private var buffer: [UInt8] = []
    private var at = 0
    /// Offset of the buffer's end.
    private var offset: Int64 = 0
    private var number = 0

    private static let pieceBytes = 256 << 10

    /// A cursor at the start of a file.
    init(_ file: OpenFile, format: ResultFormat) {
        self.file = file
        self.format = format
    }

    /// The next line; nil at the end, where a line without its line break counts for nothing.
    mutating func next() throws(RunError) -> Line? {
        var searched = at
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                let line = read(at..<newline, end: offset - Int64(buffer.count - newline - 1))
                at = newline + 1
                return line
            }
            searched = buffer.count - at
            buffer.removeFirst(at)
            at = 0
            let piece = try file.bytes(
                at: offset, length: Int(min(Int64(Self.pieceBytes), max(try file.length() - offset, 0))))
            guard !piece.isEmpty else { return nil }
            buffer += piece
            offset += Int64(piece.count)
        }
    }

    private func read(_ range: Range<Int>, end: Int64) -> Line {
        buffer.withUnsafeBytes { all in
            let bytes = UnsafeRawBufferPointer(rebasing: all[range])
            guard let token = CustomIDToken.findInResult(bytes) else {
                return Line(number: number, customID: [], isFailed: false, isOfFormat: false, end: end)
            }
            return Line(
                number: number, customID: Array(bytes[token]), isFailed: Self.isFailed(bytes[token.upperBound...]),
                isOfFormat: bytes.dropFirst(7).starts(with: format.idPrefix.utf8), end: end)
        }
    }

    /// Whether what follows the `custom_id` is no response, or one with another status than 2xx.
    private static func isFailed(_ rest: Slice<UnsafeRawBufferPointer>) -> Bool {
        let status = #","response":{"status_code":"#.utf8
        guard rest.starts(with: status) else { return rest.starts(with: #","response":null"#.utf8) }
        return rest.dropFirst(status.count).first != UInt8(ascii: "2")
    }
}
