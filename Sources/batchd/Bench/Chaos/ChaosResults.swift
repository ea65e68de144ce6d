// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Checks the result files of a batch that lived through faults: every line once, in order, with its own bytes.
struct ChaosResults: Sendable {
    /// The batch and what was seen of it.
    let ended: ChaosBatch.Ended
    /// Where files go.
    let directory: BenchDirectory

    /// What the files hold.
    struct Contents: Hashable, Sendable {
        /// Lines of the output file.
        var succeeded = 0
        /// Lines of the error file by error code.
        var failed: [String: Int] = [:]
    }

    /// Error codes of the lines that a cancelled batch leaves.
    private static let cancelCodes: Set = ["batch_cancelled"]

    /// Downloads and checks both files.
    ///
    /// - Throws: ``BenchFault`` for the first thing that is wrong.
    func check(_ desk: ChaosDesk, until deadline: ContinuousClock.Instant) async throws -> Contents {
        let batch = ended.watch.last
        let again = try await desk.ask("look at \(batch.id) again", until: deadline) { client throws(ClientError) in
            try await client.batch(batch.id).value
        }
        guard again == batch else { throw BenchFault("\(batch.id) changed after its end") }
        let output = try await fetch(batch.outputFileID, "output", desk, until: deadline)
        let errors = try await fetch(batch.errorFileID, "errors", desk, until: deadline)
        let (lines, tag) = (ended.batch.input.lines, ended.batch.input.tag ?? 0)
        let contents = try await BlockingWork.run { try Self.read(output, errors, lines: lines, tag: tag) }
        let failed = contents.failed.values.reduce(0, +)
        let counts = batch.counts
        guard counts.total == lines, counts.completed == contents.succeeded else {
            throw BenchFault("\(batch.id) counts \(counts), its files hold \(contents.succeeded) and \(failed) lines")
        }
        let wasCancelled = ended.watch.cancelledAt != nil
        switch batch.knownStatus {
        case .completed where failed == 0: break
        case .cancelled where wasCancelled && Set(contents.failed.keys).isSubset(of: Self.cancelCodes): break
        default:
            throw BenchFault("\(batch.id) is \(batch.status) with failed lines \(contents.failed)")
        }
        for path in [output, errors].compactMap({ $0 }) { BenchDirectory.removeFile(path) }
        return contents
    }

    private func fetch(
        _ id: String?, _ kind: String, _ desk: ChaosDesk, until deadline: ContinuousClock.Instant
    ) async throws -> String? {
        guard let id else { return nil }
        let path = "\(directory.path)/\(ended.batch.name).\(kind).jsonl"
        try await desk.ask("download \(kind) of \(ended.batch.name)", until: deadline) { client throws(ClientError) in
            let part = try PartFile(destination: path, fileID: id)
            try await client.downloadFile(id, to: part)
            try await part.finish()
        }
        return path
    }

    private static func read(_ output: String?, _ errors: String?, lines: Int, tag: UInt32) throws -> Contents {
        var order = ResultOrder(lines: lines)
        var contents = Contents()
        if let output {
            try order.read(output) { line, number in
                let expected = BackendAnswer.body(LineMarker(tag: tag, number: UInt32(number)))
                guard ByteSearch.contains(line, expected) else {
                    throw BenchFault("\(BenchInput.customID(number)) has an answer that is not its own")
                }
                contents.succeeded += 1
            }
        }
        if let errors {
            try order.read(errors) { line, _ in
                contents.failed[ByteSearch.text(in: line, after: #""error":{"code":""#) ?? "unknown", default: 0] += 1
            }
        }
        try order.finish()
        return contents
    }
}
