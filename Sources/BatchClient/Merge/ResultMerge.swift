// SPDX-License-Identifier: Apache-2.0

/// Brings the result files of a batch, and of those it is a retry of, into one output in the order of the input file.
///
/// All files are read side by side in pieces; what is held does not grow with their sizes or numbers of lines.
package struct ResultMerge: Sendable {
    /// A result file; all its lines are in the order of the input file.
    package struct Source: Sendable {
        /// The file.
        package var file: WireFile
        /// Whether its lines are those that succeeded.
        package var isOutput: Bool

        /// A result file.
        package init(_ file: WireFile, isOutput: Bool) {
            self.file = file
            self.isOutput = isOutput
        }
    }

    /// What was written.
    package struct Tally: Hashable, Sendable {
        /// Lines that succeeded.
        package var succeeded: Int64 = 0
        /// Lines that failed or were not run, in the last attempt too.
        package var failed: Int64 = 0

        /// Lines in all.
        package var lines: Int64 { succeeded + failed }
    }

    /// The file that names the lines in their order.
    package var input: WireFile
    /// The files with the results; every line of the input stands in exactly one of them.
    package var sources: [Source]
    /// Bytes of each file that are read at once.
    var pieceBytes = StoredLines.pieceBytes

    /// Bytes gathered before a write.
    private static let writeBytes = 1 << 20

    /// A merge of these files.
    package init(input: WireFile, sources: [Source]) {
        self.input = input
        self.sources = sources
    }

    /// Bytes of all files together, for progress.
    package var bytes: Int64 { sources.reduce(input.bytes) { $0 + $1.file.bytes } }

    /// Reads the files and writes the merged lines to `sink`.
    ///
    /// - Parameter progress: told how many bytes of all files were read.
    /// - Throws: also when the files do not belong together: a line without a result, or results that no line has.
    package func run(
        _ client: Client, to sink: any DownloadSink, progress: TransferProgress = { _ in }
    ) async throws(ClientError) -> Tally {
        var order = StoredLines(input, keeping: .token, client: client, pieceBytes: pieceBytes)
        var results: [StoredLines] = []
        for source in sources {
            results.append(StoredLines(source.file, keeping: .line, client: client, pieceBytes: pieceBytes))
        }
        var tally = Tally()
        var buffer: [UInt8] = []
        var told: Int64 = 0
        while let line = try await order.peek() {
            order.pass()
            let (index, result) = try await take(line.token, from: &results, client)
            buffer += result
            buffer.append(UInt8(ascii: "\n"))
            if sources[index].isOutput { tally.succeeded += 1 } else { tally.failed += 1 }
            if buffer.count >= Self.writeBytes {
                try await sink.write(buffer)
                buffer.removeAll(keepingCapacity: true)
            }
            let read = results.reduce(order.position) { $0 + $1.position }
            if read != told { progress(read) }
            told = read
        }
        for index in results.indices {
            guard let extra = try await results[index].peek() else { continue }
            throw mismatch(
                extra.token, "stands in \(results[index].file.id), but not in its place in \(input.id)", client)
        }
        if !buffer.isEmpty { try await sink.write(buffer) }
        return tally
    }

    /// The line with that token, and which file has it next; the line is passed there.
    private func take(
        _ token: [UInt8], from results: inout [StoredLines], _ client: Client
    ) async throws(ClientError) -> (index: Int, line: [UInt8]) {
        for index in results.indices {
            if let line = try await results[index].peek(), line.token == token {
                results[index].pass()
                return (index, line.bytes)
            }
        }
        throw mismatch(token, "has no result in its place in any of the result files", client)
    }

    private func mismatch(_ token: [UInt8], _ what: String, _ client: Client) -> ClientError {
        .unintelligible(
            server: client.address.description, doing: "merge results",
            why: "the line with custom_id \(String(decoding: token.prefix(100), as: UTF8.self)) \(what)")
    }
}
