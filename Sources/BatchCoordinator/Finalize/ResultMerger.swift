// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore

/// What was written of a run of shards.
struct MergeTally: Sendable, Equatable {
    /// Lines of the output file.
    var completed: Int64 = 0
    /// Lines of the error file that were executed.
    var failed: Int64 = 0
    /// Lines of the error file that were not executed.
    var unexecuted: Int64 = 0
    /// Tokens of the executed lines.
    var usage = Usage()

    /// Lines in all.
    var total: Int64 { completed + failed + unexecuted }
}

/// Writes the results of shards to the output and the error file in input order, and how each line was run to the
/// provenance file. What it writes is a function of the
/// rows alone: written again after a crash, it is the same byte for byte.
struct ResultMerger: Sendable {
    let duty: FinalizationDuty
    let output: any BlobWriter
    let error: any BlobWriter
    /// nil when none is kept.
    let provenance: (any BlobWriter)?
    let spoolMemoryMax: Int
    let spoolDirectory: String

    /// Bytes gathered before a write.
    private static let writeBytes = 1 << 20

    /// Merges the shards `range`; `firstLine` is how many request lines the shards before them have.
    ///
    /// Runs on a database connection's own thread.
    func merge(_ range: Range<Int32>, firstLine: Int64, reader: ResultReader) throws -> MergeTally {
        var tally = MergeTally()
        var outputBuffer = WriteBuffer(writer: output, bytesMax: Self.writeBytes)
        var errorBuffer = WriteBuffer(writer: error, bytesMax: Self.writeBytes)
        let shards = try reader.shards(range)
        guard shards.map(\.number) == Array(range) else {
            throw FinalizeFault(batch: duty.lease.batch, reason: "a shard of \(range) is missing")
        }
        var provenanceBuffer = provenance.map { WriteBuffer(writer: $0, bytesMax: Self.writeBytes) }
        for shard in shards {
            try merge(
                shard, firstLine: firstLine + tally.total, reader, &tally, &outputBuffer, &errorBuffer,
                &provenanceBuffer)
        }
        try outputBuffer.flush()
        try errorBuffer.flush()
        try provenanceBuffer?.flush()
        return tally
    }

    private func merge(
        _ shard: ShardSummary, firstLine: Int64, _ reader: ResultReader, _ tally: inout MergeTally,
        _ outputBuffer: inout WriteBuffer, _ errorBuffer: inout WriteBuffer, _ provenanceBuffer: inout WriteBuffer?
    ) throws {
        var spool = ShardSpool(lineCount: shard.lineCount, memoryMax: spoolMemoryMax, directory: spoolDirectory)
        var history = ShardSpool(lineCount: shard.lineCount, memoryMax: spoolMemoryMax, directory: spoolDirectory)
        try gather(shard, firstLine: firstLine, reader, &spool, &history, &tally)
        let unexecuted = shard.done.isFull ? nil : try LinePack(try reader.lines(ofShard: shard.number))
        var rendered: [UInt8] = []
        try spool.forEachLine { ordinal, line in
            if let line {
                if line.isSuccess {
                    tally.completed += 1
                    try outputBuffer.append(line.bytes)
                } else {
                    tally.failed += 1
                    try errorBuffer.append(line.bytes)
                }
                return
            }
            guard let unexecuted, !shard.done.contains(ordinal) else {
                throw FinalizeFault(
                    batch: duty.lease.batch, reason: "line \(ordinal) of shard \(shard.number) lacks its result")
            }
            rendered.removeAll(keepingCapacity: true)
            let outcome = leftOut(ordinal, customID: unexecuted.lines[ordinal].customID)
            duty.profile.resultLine.append(outcome, id: lineID(firstLine + Int64(ordinal)), to: &rendered)
            tally.unexecuted += 1
            try rendered.withUnsafeBytes { try errorBuffer.append($0) }
            if provenance != nil {
                try history.put(ordinal, isSuccess: false) {
                    ProvenanceLine.append(outcome, ordinal: firstLine + Int64(ordinal), to: &$0)
                }
            }
        }
        try history.forEachLine { _, line in
            if let line { try provenanceBuffer?.append(line.bytes) }
        }
    }

    /// Renders every recorded outcome of a shard into the spools.
    private func gather(
        _ shard: ShardSummary, firstLine: Int64, _ reader: ResultReader, _ spool: inout ShardSpool,
        _ history: inout ShardSpool, _ tally: inout MergeTally
    ) throws {
        var gathered = 0
        try reader.forEachSegment(ofShard: shard.number) { frame in
            for outcome in try SegmentPack(frame).outcomes {
                guard outcome.ordinal < shard.lineCount, shard.done.contains(outcome.ordinal),
                    !spool.contains(outcome.ordinal)
                else {
                    throw FinalizeFault(
                        batch: duty.lease.batch,
                        reason: "shard \(shard.number) has a result twice, or one that its bitmap does not know")
                }
                try spool.put(outcome.ordinal, isSuccess: outcome.isSuccess) {
                    duty.profile.resultLine.append(outcome, id: lineID(firstLine + Int64(outcome.ordinal)), to: &$0)
                }
                if provenance != nil {
                    try history.put(outcome.ordinal, isSuccess: outcome.isSuccess) {
                        ProvenanceLine.append(outcome, ordinal: firstLine + Int64(outcome.ordinal), to: &$0)
                    }
                }
                tally.usage = tally.usage + outcome.usage
                gathered += 1
            }
        }
        guard gathered == shard.done.count else {
            throw FinalizeFault(
                batch: duty.lease.batch,
                reason: "shard \(shard.number) has \(gathered) results, its bitmap says \(shard.done.count)")
        }
    }

    /// A line that was never executed. (contracts: OpenAI result lines)
    private func leftOut(_ ordinal: Int, customID: ArraySlice<UInt8>) -> Outcome {
        let kind: OutcomeKind =
            duty.ending == .cancelled
            ? .noResponse(
                code: "batch_cancelled", message: "The batch was cancelled before this request was executed.")
            : .noResponse(
                code: "batch_expired",
                message: "This request could not be executed before the completion window expired.")
        return Outcome(ordinal: ordinal, kind: kind, customID: customID)
    }

    /// The same for a line whenever it is rendered: the batch's own digits and the line's ordinal.
    private func lineID(_ ordinal: Int64) -> [UInt8] {
        let digits = String(ordinal, radix: 16)
        let id = duty.lease.batch.rawValue
        let batch = id.hasPrefix(BatchID.prefix) ? String(id.dropFirst(BatchID.prefix.count)) : id
        return Array(batch.utf8) + [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 8 - digits.count)) + digits.utf8
    }
}

/// Gathers lines into larger writes.
private struct WriteBuffer {
    let writer: any BlobWriter
    let bytesMax: Int
    private var bytes: [UInt8] = []

    init(writer: any BlobWriter, bytesMax: Int) {
        self.writer = writer
        self.bytesMax = bytesMax
    }

    mutating func append(_ line: UnsafeRawBufferPointer) throws {
        bytes.append(contentsOf: line)
        if bytes.count >= bytesMax { try flush() }
    }

    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        try bytes.withUnsafeBytes { try writer.append($0) }
        bytes.removeAll(keepingCapacity: true)
    }
}
