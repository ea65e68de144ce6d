// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import Glibc

/// Brings the results of a batch and of those it is a retry of into one file, in the order of the input.
struct Merging {
    /// Most retries of retries that are followed back.
    private static let generationsMax = 1_000

    /// The command's surroundings.
    let session: Session
    /// Whether progress is shown.
    var isShown = true

    /// What was written.
    struct Outcome: Hashable {
        /// How many lines, by how they ended.
        var tally: ResultMerge.Tally
        /// Size in bytes.
        var bytes: Int64
    }

    /// Merges the results of an ended batch; nil and `-` as `path` mean standard output.
    @discardableResult
    func merge(_ batch: WireBatch, to path: String?) async throws -> Outcome {
        let merge = try await plan(batch)
        guard let path, path != "-" else {
            return try await run(merge, to: session.output, isShown: isShown && !session.terminal.isOutputTerminal)
        }
        if let descriptor = try Fetching.special(path) {
            defer { close(descriptor) }
            return try await run(merge, to: StandardOutput(descriptor: descriptor, name: path), isShown: isShown)
        }
        let part = try PartFile(destination: path, fileID: "merge-\(batch.id)")
        // What an earlier run left is of no use: the files are read side by side from their beginnings.
        _ = try await part.rewind()
        let outcome: Outcome
        do {
            outcome = try await run(merge, to: part, isShown: isShown)
            try await part.finish()
        } catch {
            unlink(part.partPath)
            throw error
        }
        session.narrator.say("saved \(Self.sentence(outcome)) to \(path)")
        return outcome
    }

    /// `10,000 lines: 9,998 succeeded, 2 failed or not run (1.2 MB)`
    private static func sentence(_ outcome: Outcome) -> String {
        let tally = outcome.tally
        var text = "\(Quantities.count(tally.lines, "line")): \(Quantities.count(tally.succeeded)) succeeded"
        if tally.failed > 0 { text += ", \(Quantities.count(tally.failed)) failed or not run" }
        return text + " (\(Quantities.size(outcome.bytes)))"
    }

    private func run(
        _ merge: ResultMerge, to sink: any DownloadSink, isShown: Bool
    ) async throws(ClientError) -> Outcome {
        let start = await sink.position
        let tally = try await TransferDisplay.run(
            "merging", total: merge.bytes, narrator: session.narrator, isShown: isShown
        ) { progress throws(ClientError) in
            try await merge.run(session.client, to: sink, progress: progress)
        }
        return Outcome(tally: tally, bytes: await sink.position - start)
    }

    /// Finds the files: all outputs back to the first batch, and what failed in the end.
    private func plan(_ batch: WireBatch) async throws -> ResultMerge {
        try ResultsCommand.requireEnd(batch, hint: session.hint)
        guard batch.outputFileID != nil || batch.errorFileID != nil else {
            throw CommandFailure(.nothingToFetch, "\(batch.id) has no results: it ended before its lines were known")
        }
        var chain = [batch]
        while let parent = chain.last?.parentID, chain.count < Self.generationsMax {
            chain.append(try await session.client.batch(parent).value)
        }
        var sources: [ResultMerge.Source] = []
        for batch in chain {
            guard let id = batch.outputFileID else { continue }
            sources.append(ResultMerge.Source(try await file(id, "output", of: batch, chain), isOutput: true))
        }
        if let id = batch.errorFileID {
            sources.append(ResultMerge.Source(try await file(id, "error", of: batch, chain), isOutput: false))
        }
        let input = try await file(batch.inputFileID ?? "", "input", of: batch, chain)
        return ResultMerge(input: input, sources: sources)
    }

    private func file(_ id: String, _ kind: String, of batch: WireBatch, _ chain: [WireBatch]) async throws -> WireFile
    {
        let failure: ClientError
        do throws(ClientError) {
            return try await session.client.file(id).value
        } catch {
            failure = error
        }
        guard case .refused(let refusal, _) = failure, refusal.status == 404 else { throw failure }
        let why = kind == "input" ? "nobody knows the order of the lines" : "the results are not complete"
        throw CommandFailure(
            .nothingToFetch,
            "the \(kind) file \(id) of \(batch.id) was deleted or has expired, and without it \(why). "
                + "Fetch the results of each batch by itself: "
                + chain.map { session.hint("results \($0.id)") }.joined(separator: "; "))
    }
}
