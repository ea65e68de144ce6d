// SPDX-License-Identifier: Apache-2.0

/// A line of a result file that does not begin as ``ResultLine`` writes it.
package struct ResultFileFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Physical line, 1-based.
    package let line: Int

    /// For an operator's log.
    package var description: String { "line \(line) of the result file does not begin with an id and a custom_id" }
}

/// Takes the `custom_id` tokens out of a result file that arrives in chunks of any size. Needs the memory of one
/// beginning of a line, however long the answers in it are.
package struct ResultIDReader: Sendable {
    /// Bytes at the beginning of a line that are looked at: an id and the longest token, with room to spare.
    package static let beginningBytesMax = 66 << 10

    /// Lines read so far.
    package private(set) var lineCount = 0
    /// The beginning of the current line as far as earlier chunks held it.
    private var beginning: [UInt8] = []

    /// A reader at the start of a file.
    package init() {}

    /// Takes the next bytes of the file and hands out the token of every line that ends in them.
    ///
    /// - Parameter take: gets the raw token, valid during the call only.
    package mutating func feed(
        _ chunk: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var at = 0
        while let newline = ByteSearch.newline(in: chunk, from: at) {
            let piece = UnsafeRawBufferPointer(rebasing: chunk[at..<newline])
            at = newline + 1
            if beginning.isEmpty {
                try end(piece, take)
            } else {
                keep(piece)
                try endKept(take)
            }
        }
        keep(UnsafeRawBufferPointer(rebasing: chunk[at...]))
    }

    /// Takes the end of the file, whose last line may lack its LF.
    package mutating func finish(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        if !beginning.isEmpty { try endKept(take) }
    }

    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        beginning.append(contentsOf: piece.prefix(max(0, Self.beginningBytesMax - beginning.count)))
    }

    private mutating func endKept(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        let line = beginning
        beginning.removeAll(keepingCapacity: true)
        try line.withUnsafeBytes { try end($0, take) }
    }

    private mutating func end(
        _ line: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        lineCount += 1
        guard let token = CustomIDToken.findInResult(line) else { throw ResultFileFault(line: lineCount) }
        try take(UnsafeRawBufferPointer(rebasing: line[token]))
    }
}
