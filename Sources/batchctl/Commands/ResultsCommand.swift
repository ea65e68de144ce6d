// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// `batchctl results`
struct ResultsCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "results", abstract: "Fetch the results of a batch that has ended.",
        discussion: """
            One JSON line for each request line that succeeded, in the order of the input; with --errors one for each \
            that failed or was not run; with --provenance one for each line, telling by which worker and backend it \
            was run, when, for how long, how often and why again. With --merge the results of a retry and of the \
            batches before it come together, one line for each of the input and in its order. A download to a file \
            that broke off goes on where it stopped when the command is repeated; the file has its name only when it \
            is whole.
            """)

    /// The batch whose results are wanted.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// `--output`: a path, `-` for standard output; nil when not given.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write to this file, replacing it; - is standard output.", valueName: "path"))
    var output: String?

    /// `--errors`.
    @Flag(name: .long, help: "The lines that failed or were not run, instead of those that succeeded.")
    var errors = false

    /// `--provenance`.
    @Flag(name: .long, help: "How each line was run, instead of its result.")
    var provenance = false

    /// `--merge`.
    @Flag(name: .long, help: "All lines of the input: of this batch, and of those it is a retry of.")
    var merge = false

    /// `--json`.
    @Flag(name: .long, help: "With --output: print what was saved as JSON. (The results themselves always are.)")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard [errors, provenance, merge].filter(\.self).count <= 1 else {
            throw ValidationError("--errors, --provenance and --merge exclude each other")
        }
    }

    /// Chooses the file and fetches it, or merges several.
    func run() async throws {
        let session = try global.session()
        let batch = try await session.client.batch(id).value
        var saved: [JSONValue.Member] = [.init("batch_id", .string(batch.id)), .init("path", JSONValue(output))]
        if merge {
            if let output { try Fetching.checkDestination(output) }
            let outcome = try await Merging(session: session).merge(batch, to: output)
            saved += [
                .init("bytes", .integer(outcome.bytes)), .init("lines", .integer(outcome.tally.lines)),
                .init("succeeded", .integer(outcome.tally.succeeded)),
                .init("failed", .integer(outcome.tally.failed)),
            ]
        } else {
            let kind: Kind = errors ? .errors : provenance ? .provenance : .output
            let file = try Self.choose(batch, kind, hint: session.hint)
            let bytes = try await Fetching(session: session).fetch(file, to: output)
            saved += [.init("file_id", .string(file)), .init("bytes", .integer(bytes))]
        }
        if json, let output, output != "-" { try await session.print(JSONValue.object(saved).text) }
    }
}

extension ResultsCommand {
    /// A file of a batch that has ended.
    enum Kind {
        case output
        case errors
        case provenance
    }

    /// The file to fetch, or the reason why there is none.
    static func choose(_ batch: WireBatch, _ kind: Kind, hint: (String) -> String) throws(CommandFailure) -> String {
        let file =
            switch kind {
            case .output: batch.outputFileID
            case .errors: batch.errorFileID
            case .provenance: batch.provenanceFileID
            }
        if batch.isTerminal, let file { return file }
        try requireEnd(batch, hint: hint)
        switch kind {
        case .errors:
            throw CommandFailure(.nothingToFetch, "\(batch.id) has no error file: no line failed")
        case .provenance:
            throw CommandFailure(
                .nothingToFetch,
                "\(batch.id) has no provenance file: it had no lines, or the server's coordinator.provenance was off")
        case .output:
            let wayOut = batch.errorFileID == nil ? "" : ". The reasons: " + hint("results \(batch.id) --errors")
            throw CommandFailure(.nothingToFetch, "\(batch.id) has no output file: no line succeeded\(wayOut)")
        }
    }

    /// Throws the reason unless the batch has ended with results.
    static func requireEnd(_ batch: WireBatch, hint: (String) -> String) throws(CommandFailure) {
        guard batch.isTerminal else {
            let lines = BatchText.lines(batch).map { " (lines \($0))" } ?? ""
            let wayOut =
                batch.isPaused
                ? "Go on with it: " + hint("resume \(batch.id)")
                : "Wait for it: "
                    + hint("status \(batch.id) --watch")
            throw CommandFailure(
                .nothingToFetch,
                "\(batch.id) has no results yet: it is \(BatchText.status(batch))\(lines). \(wayOut)")
        }
        guard batch.knownStatus != .failed else {
            throw CommandFailure(
                .notCompleted,
                "\(batch.id) failed validation, so no line was run. The reasons: " + hint("status \(batch.id)"))
        }
    }
}
