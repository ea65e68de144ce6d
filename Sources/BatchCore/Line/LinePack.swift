// SPDX-License-Identifier: Apache-2.0

/// One line in a `LinePack`. Its bytes are a part of the pack's, not a copy.
package struct PackedLine: Equatable, Sendable {
    /// Physical line in the file, 1-based.
    package let number: Int
    /// Index of its url among the urls of the batch; nil when the batch has only one endpoint.
    package let endpoint: Int?
    /// The raw `custom_id` token, quotes included.
    package let customID: ArraySlice<UInt8>
    /// The raw `body`, as the user wrote it.
    package let body: ArraySlice<UInt8>
}

/// The lines of one shard in one frame: version 1, count, and per line number, endpoint + 1 (0 for none), id, body.
package struct LinePack: Sendable {
    /// The format's version, its first byte.
    package static let version: UInt8 = 1

    /// The lines in file order; the index of a line is its ordinal in the shard.
    package let lines: [PackedLine]

    /// Reads a frame. The lines keep `bytes` alive and copy nothing.
    package init(_ bytes: [UInt8]) throws(PackFault) {
        var reader = PackReader(bytes)
        let count = try reader.header(version: Self.version)
        var lines: [PackedLine] = []
        lines.reserveCapacity(reader.plausibleCount(count, recordBytesMin: 4))
        for _ in 0..<count {
            let number = try reader.count()
            let endpoint = try reader.count()
            let customID = try reader.counted()
            let body = try reader.counted()
            lines.append(
                PackedLine(number: number, endpoint: endpoint == 0 ? nil : endpoint - 1, customID: customID, body: body)
            )
        }
        try reader.finish()
        self.lines = lines
    }
}

/// Writes a `LinePack` line by line. The caller cuts where `hasRoom` says no; a line too big for that is a pack alone.
package struct LinePackBuilder: Sendable {
    /// Most lines of a pack.
    package let linesMax: Int
    /// Most raw bytes (ids and bodies) of a pack of more than one line.
    package let bytesMax: Int
    /// Lines so far.
    package private(set) var lineCount = 0
    /// Raw bytes (ids and bodies) so far.
    package private(set) var byteCount = 0
    private var bytes: [UInt8] = .packHeader(version: LinePack.version)

    /// An empty pack with the given limits, both inclusive.
    package init(linesMax: Int = 256, bytesMax: Int = 1 << 20) {
        self.linesMax = linesMax
        self.bytesMax = bytesMax
    }

    /// True when a line of `lineBytes` raw bytes still fits; an empty pack has room for any line.
    package func hasRoom(for lineBytes: Int) -> Bool {
        lineCount == 0 || (lineCount < linesMax && lineBytes <= bytesMax - byteCount)
    }

    /// Adds a line.
    ///
    /// - Parameters:
    ///   - number: physical line, 1-based.
    ///   - endpoint: index of its url, or nil where all lines have the batch's.
    ///   - customID: the raw token with its quotes.
    ///   - body: the raw body.
    package mutating func append(
        number: Int, endpoint: Int?, customID: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
    ) {
        bytes.appendVarint(number)
        bytes.appendVarint(endpoint.map { $0 + 1 } ?? 0)
        bytes.appendCounted(customID)
        bytes.appendCounted(body)
        lineCount += 1
        byteCount += customID.count + body.count
    }

    /// Adds an accepted line, whose bytes are `line`; the endpoint is kept only when there are several.
    package mutating func append(_ accepted: AcceptedLine, _ line: UnsafeRawBufferPointer, keepsEndpoint: Bool = false)
    {
        append(
            number: accepted.number, endpoint: keepsEndpoint ? accepted.endpoint : nil,
            customID: UnsafeRawBufferPointer(rebasing: line[accepted.customID]),
            body: UnsafeRawBufferPointer(rebasing: line[accepted.body]))
    }

    /// The frame of the lines so far; the builder starts over, empty.
    package mutating func finish() -> [UInt8] {
        bytes.setPackCount(lineCount)
        let frame = bytes
        bytes = .packHeader(version: LinePack.version)
        lineCount = 0
        byteCount = 0
        return frame
    }
}
