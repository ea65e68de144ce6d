// SPDX-License-Identifier: Apache-2.0

/// One physical line of a file, valid only while the closure that gets it runs.
package struct FileLine {
    /// 1-based.
    package let number: Int
    /// Where its first byte lies in the file.
    package let offset: Int64
    /// Its bytes without LF or CRLF; empty when `isTooLong`.
    package let bytes: UnsafeRawBufferPointer
    /// Its whole length without LF or CRLF, also when the bytes were dropped.
    package let byteCount: Int
    /// True when it is longer than the limit and its bytes were dropped.
    package let isTooLong: Bool

    /// A line of a file.
    package init(number: Int, offset: Int64, bytes: UnsafeRawBufferPointer, byteCount: Int, isTooLong: Bool = false) {
        self.number = number
        self.offset = offset
        self.bytes = bytes
        self.byteCount = byteCount
        self.isTooLong = isTooLong
    }
}

/// Cuts a file that arrives in chunks of any size into lines, in memory of at most one line.
///
/// Only LF ends a line; a CR in front of it belongs to the line break, any other CR, U+2028 or U+0085 to the line. The
/// last line needs no LF. A UTF-8 byte order mark at the start of the file is dropped (and counted in offsets). A line
/// that lies wholly in a chunk is handed out without copying.
package struct LineSplitter: Sendable {
    /// Longest line in bytes without its line break, inclusive; of a longer one only the length is kept.
    package let lineBytesMax: Int
    /// Set once the file's first bytes show that it has no lines; everything after that is ignored.
    package private(set) var format: FileFormat?
    /// Physical lines handed out so far.
    package private(set) var lineCount = 0

    /// The first bytes, until there are enough to judge them; then nil.
    private var head: [UInt8]? = []
    /// The current line as far as earlier chunks held it: at most `lineBytesMax` bytes and a CR.
    private var partial: [UInt8] = []
    /// How long the current line is so far, dropped bytes included.
    private var partialCount = 0
    /// The last byte of the current line so far.
    private var lastByte: UInt8 = 0
    /// Where the current line starts in the file.
    private var offset: Int64 = 0

    /// A splitter at the start of a file.
    package init(lineBytesMax: Int) {
        self.lineBytesMax = lineBytesMax
    }

    /// Takes the next bytes of the file and hands out every line that ends in them.
    package mutating func feed(
        _ chunk: UnsafeRawBufferPointer, _ take: (FileLine) throws -> Void
    ) throws {
        guard format == nil else { return }
        var rest = chunk[...]
        if var head {
            let missing = FileFormat.headBytes - head.count
            head.append(contentsOf: rest.prefix(missing))
            rest = rest.dropFirst(missing)
            self.head = head
            guard head.count == FileFormat.headBytes else { return }
            try begin(take)
            guard format == nil else { return }
        }
        try split(UnsafeRawBufferPointer(rebasing: rest), take)
    }

    /// Tells that the file has ended; hands out the last line if no LF ended it.
    package mutating func finish(_ take: (FileLine) throws -> Void) throws {
        if head != nil { try begin(take) }
        guard format == nil, partialCount > 0 else { return }
        try endLine(UnsafeRawBufferPointer(start: nil, count: 0), hasNewline: false, take)
    }

    /// Judges the first bytes and splits them.
    private mutating func begin(_ take: (FileLine) throws -> Void) throws {
        var start = head ?? []
        head = nil
        format = FileFormat(head: start)
        guard format == nil else { return }
        if start.starts(with: [0xEF, 0xBB, 0xBF]) {
            start.removeFirst(3)
            offset = 3
        }
        try start.withUnsafeBytes { bytes in try split(bytes, take) }
    }

    /// Hands out the lines that end in `bytes` and keeps what is left.
    private mutating func split(
        _ bytes: UnsafeRawBufferPointer, _ take: (FileLine) throws -> Void
    ) throws {
        var at = 0
        while let newline = ByteSearch.newline(in: bytes, from: at) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[at..<newline])
            at = newline + 1
            try endLine(piece, hasNewline: true, take)
        }
        keep(UnsafeRawBufferPointer(rebasing: bytes[at...]))
    }

    /// Appends to the current line what still matters of it.
    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        guard let last = piece.last else { return }
        partialCount += piece.count
        lastByte = last
        // One byte more than the limit, because a CR at the end does not count.
        partial.append(contentsOf: piece.prefix(max(0, lineBytesMax + 1 - partial.count)))
    }

    /// Ends the current line with `piece` and hands it out.
    private mutating func endLine(
        _ piece: UnsafeRawBufferPointer, hasNewline: Bool, _ take: (FileLine) throws -> Void
    ) throws {
        let isWhole = partialCount == 0
        if !isWhole { keep(piece) }
        let total = isWhole ? piece.count : partialCount
        let last = isWhole ? piece.last ?? 0 : lastByte
        let count = hasNewline && total > 0 && last == 0x0D ? total - 1 : total
        let start = offset
        lineCount += 1
        offset += Int64(total) + (hasNewline ? 1 : 0)
        partialCount = 0
        let number = lineCount
        let isTooLong = count > lineBytesMax
        if isWhole || isTooLong {
            partial.removeAll(keepingCapacity: true)
            let bytes = UnsafeRawBufferPointer(rebasing: piece.prefix(isTooLong ? 0 : count))
            try take(FileLine(number: number, offset: start, bytes: bytes, byteCount: count, isTooLong: isTooLong))
        } else {
            defer { partial.removeAll(keepingCapacity: true) }
            try partial.withUnsafeBytes { bytes in
                let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
                try take(FileLine(number: number, offset: start, bytes: bytes, byteCount: count))
            }
        }
    }
}
