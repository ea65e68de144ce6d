// SPDX-License-Identifier: Apache-2.0

/// One line in a `LinePack`. Its bytes are a part of the pack's, not a copy.
package struct PackedLine: Equatable, Sendable {
    /// Physical line in the file, 1-based.
    package let number: Int
    /// Index into ``LinePack/routes``; nil when all lines of the batch have its endpoint and model.
    package let endpoint: Int?
    /// The raw `custom_id` token, quotes included.
    package let customID: ArraySlice<UInt8>
    /// The raw `body`, as the user wrote it.
    package let body: ArraySlice<UInt8>
}

/// Where a line of a mixed batch goes.
package struct LineRoute: Hashable, Sendable {
    /// Its url.
    package let url: String
    /// Its model.
    package let model: String

    /// A route.
    package init(url: String, model: String) {
        self.url = url
        self.model = model
    }
}

/// The lines of one shard in one frame: version 1, count, and per line number, endpoint + 1 (0 for none), id, body.
///
/// Version 2 is that of mixed batches: behind the lines follow the count of routes, and per route url and model. A
/// worker that knows version 1 only cannot read it, so that it never calls a wrong endpoint.
package struct LinePack: Sendable {
    /// The format's version, its first byte.
    package static let version: UInt8 = 1
    /// The version with routes.
    package static let versionWithRoutes: UInt8 = 2

    /// The lines in file order; the index of a line is its ordinal in the shard.
    package let lines: [PackedLine]
    /// Where the lines of a mixed batch go; empty when all go where the batch says.
    package let routes: [LineRoute]

    /// Reads a frame. The lines keep `bytes` alive and copy nothing.
    package init(_ bytes: [UInt8]) throws(PackFault) {
        var reader = PackReader(bytes)
        let (version, count) = try reader.header(versions: Self.version...Self.versionWithRoutes)
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
        var routes: [LineRoute] = []
        if version == Self.versionWithRoutes {
            let start = reader.position
            for _ in 0..<reader.plausibleCount(try reader.count(), recordBytesMin: 2) {
                routes.append(LineRoute(url: try reader.text(), model: try reader.text()))
            }
            let isComplete = lines.allSatisfy { line in line.endpoint.map(routes.indices.contains) ?? false }
            guard isComplete else { throw .badValue(offset: start) }
        }
        try reader.finish()
        self.lines = lines
        self.routes = routes
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
    private var routes: [LineRoute] = []

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

    /// Adds an accepted line, whose bytes are `line`; of a mixed batch with where it goes, then all lines have that.
    package mutating func append(
        _ accepted: AcceptedLine, _ line: UnsafeRawBufferPointer, route: LineRoute? = nil
    ) {
        append(
            number: accepted.number, endpoint: route.map { index(of: $0) },
            customID: UnsafeRawBufferPointer(rebasing: line[accepted.customID]),
            body: UnsafeRawBufferPointer(rebasing: line[accepted.body]))
    }

    /// The index of a route, which the pack then has.
    private mutating func index(of route: LineRoute) -> Int {
        if let known = routes.lastIndex(of: route) { return known }
        routes.append(route)
        return routes.count - 1
    }

    /// The frame of the lines so far; the builder starts over, empty.
    package mutating func finish() -> [UInt8] {
        bytes.setPackCount(lineCount)
        if !routes.isEmpty {
            bytes[0] = LinePack.versionWithRoutes
            bytes.appendVarint(routes.count)
            for route in routes {
                bytes.appendCounted(route.url)
                bytes.appendCounted(route.model)
            }
            routes = []
        }
        let frame = bytes
        bytes = .packHeader(version: LinePack.version)
        lineCount = 0
        byteCount = 0
        return frame
    }
}
