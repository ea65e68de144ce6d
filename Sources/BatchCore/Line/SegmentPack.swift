// SPDX-License-Identifier: Apache-2.0

/// Results of some lines of one shard, one checkpoint, in one frame: version 2, count, and the outcomes.
///
/// An outcome is: ordinal, kind (0 success, 1 HTTP error, 2 no response, then code and message), status, id token,
/// request id, attempts, last error (not in version 1), start, duration, worker (0, or 1 and its id), backend, the five
/// token counts, body.
package struct SegmentPack: Sendable {
    /// The version that is written, the first byte of a frame.
    package static let version: UInt8 = 2
    /// The oldest version that is read: rows may have been written before an upgrade.
    package static let versionMin: UInt8 = 1

    /// The outcomes in the order they were added. Id tokens and bodies are parts of the frame, not copies.
    package let outcomes: [Outcome]

    /// Reads a frame.
    package init(_ bytes: [UInt8]) throws(PackFault) {
        var reader = PackReader(bytes)
        let (version, count) = try reader.header(versions: Self.versionMin...Self.version)
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(reader.plausibleCount(count, recordBytesMin: 16))
        for _ in 0..<count { outcomes.append(try Outcome(&reader, version: version)) }
        try reader.finish()
        self.outcomes = outcomes
    }
}

/// Writes a `SegmentPack` outcome by outcome.
package struct SegmentPackBuilder: Sendable {
    /// Outcomes so far.
    package private(set) var outcomeCount = 0
    private var bytes: [UInt8] = .packHeader(version: SegmentPack.version)

    /// An empty pack.
    package init() {}

    /// Bytes of the frame so far.
    package var byteCount: Int { bytes.count }

    /// Adds an outcome.
    package mutating func append(_ outcome: Outcome) {
        outcome.append(to: &bytes)
        outcomeCount += 1
    }

    /// The frame of the outcomes so far; the builder starts over, empty.
    package mutating func finish() -> [UInt8] {
        bytes.setPackCount(outcomeCount)
        let frame = bytes
        bytes = .packHeader(version: SegmentPack.version)
        outcomeCount = 0
        return frame
    }
}

extension Outcome {
    /// Appends the record to a frame.
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.appendVarint(ordinal)
        switch kind {
        case .success: bytes.append(0)
        case .httpError: bytes.append(1)
        case .noResponse(let code, let message):
            bytes.append(2)
            bytes.appendCounted(code)
            bytes.appendCounted(message)
        }
        bytes.appendVarint(statusCode)
        bytes.appendCounted(customID)
        bytes.appendCounted(requestID)
        bytes.appendVarint(attempts)
        bytes.appendCounted(lastError)
        bytes.appendSigned(startedMilliseconds)
        bytes.appendSigned(durationMilliseconds)
        bytes.append(workerID == nil ? 0 : 1)
        if let workerID { bytes.appendCounted(workerID) }
        bytes.appendCounted(backend)
        bytes.appendSigned(usage.inputTokens)
        bytes.appendSigned(usage.cachedTokens)
        bytes.appendSigned(usage.outputTokens)
        bytes.appendSigned(usage.reasoningTokens)
        bytes.appendSigned(usage.totalTokens)
        bytes.appendCounted(body)
    }

    /// Reads a record out of a frame of that version.
    fileprivate init(_ reader: inout PackReader, version: UInt8) throws(PackFault) {
        self.ordinal = try reader.count()
        self.kind = try Self.kind(&reader)
        self.statusCode = try reader.count()
        self.customID = try reader.counted()
        self.requestID = try reader.text()
        self.attempts = try reader.count()
        self.lastError = version >= 2 ? try reader.text() : ""
        self.startedMilliseconds = try reader.signed()
        self.durationMilliseconds = try reader.signed()
        self.workerID = try Self.workerID(&reader)
        self.backend = try reader.text()
        self.usage = Usage(
            inputTokens: try reader.signed(), cachedTokens: try reader.signed(), outputTokens: try reader.signed(),
            reasoningTokens: try reader.signed(), totalTokens: try reader.signed())
        self.body = try reader.counted()
    }

    private static func kind(_ reader: inout PackReader) throws(PackFault) -> OutcomeKind {
        let start = reader.position
        switch try reader.byte() {
        case 0: return .success
        case 1: return .httpError
        case 2: return .noResponse(code: try reader.text(), message: try reader.text())
        default: throw .badValue(offset: start)
        }
    }

    private static func workerID(_ reader: inout PackReader) throws(PackFault) -> String? {
        let start = reader.position
        switch try reader.byte() {
        case 0: return nil
        case 1: return try reader.text()
        default: throw .badValue(offset: start)
        }
    }
}
