// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore

/// The Shard room: packs accepted lines into shards, cut by count and bytes; a longer line is a shard of its own.
struct ShardPacker {
    private var builder: LinePackBuilder
    private var nextNumber: Int32 = 0
    private var finished: [DraftShard] = []
    private let urls: [String]
    private let model: String?
    private let depthMax: Int
    /// Lines packed so far.
    private(set) var lineCount = 0
    /// Bytes of the packs that wait in ``takeFinished()``.
    private(set) var finishedBytes = 0

    /// A room for one batch.
    ///
    /// - Parameters:
    ///   - urls: those that its lines may name, none unless it is mixed.
    ///   - model: what every body's `model` becomes; nil leaves the bodies as they are. (contracts: Ark files)
    init(limits: Limits, urls: [String] = [], model: String? = nil) {
        self.urls = urls
        self.model = model
        depthMax = limits.nestingDepthMax
        builder = LinePackBuilder(linesMax: limits.shardLinesMax, bytesMax: limits.shardBytesMax)
    }

    /// Adds the next line of the file, whose bytes are `text`.
    ///
    /// - Throws: when a body is no JSON object, which rules do not accept.
    mutating func add(_ line: AcceptedLine, _ text: UnsafeRawBufferPointer) throws {
        if let model {
            let body = UnsafeRawBufferPointer(rebasing: text[line.body])
            let edited = try BodyEdit.edited(body, model: model, dropsNulls: false, depthMax: depthMax)
            return edited.withUnsafeBytes { add(line, UnsafeRawBufferPointer(rebasing: text[line.customID]), $0) }
        }
        if !builder.hasRoom(for: line.customID.count + line.body.count) { cut() }
        let url = line.endpoint.flatMap { urls.indices.contains($0) ? urls[$0] : nil }
        builder.append(line, text, route: url.map { LineRoute(url: $0, model: line.model ?? "") })
        lineCount += 1
    }

    /// Adds a line with another body.
    private mutating func add(
        _ line: AcceptedLine, _ customID: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) {
        if !builder.hasRoom(for: customID.count + body.count) { cut() }
        builder.append(number: line.number, endpoint: nil, customID: customID, body: body)
        lineCount += 1
    }

    /// Closes the last shard.
    mutating func finish() {
        if builder.lineCount > 0 { cut() }
    }

    /// The shards packed since the last call, in order.
    mutating func takeFinished() -> [DraftShard] {
        defer {
            finished = []
            finishedBytes = 0
        }
        return finished
    }

    private mutating func cut() {
        let lineCount = builder.lineCount
        let pack = builder.finish()
        finished.append(DraftShard(number: nextNumber, lineCount: lineCount, pack: pack))
        finishedBytes += pack.count
        nextNumber += 1
    }
}
