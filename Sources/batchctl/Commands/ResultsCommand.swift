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
            that failed or was not run. A download to a file that broke off goes on where it stopped when the command \
            is repeated; the file has its name only when it is whole.
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

    /// `--json`.
    @Flag(name: .long, help: "With --output: print what was saved as JSON. (The results themselves always are.)")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Chooses the file and fetches it.
    func run() async throws {
        let session = try global.session()
        let batch = try await session.client.batch(id).value
        let file = try Self.choose(batch, wantsErrors: errors, hint: session.hint)
        let bytes = try await Fetching(session: session).fetch(file, to: output)
        if json, let output, output != "-" {
            let saved = JSONValue.object([
                .init("batch_id", .string(batch.id)), .init("file_id", .string(file)), .init("path", .string(output)),
                .init("bytes", .integer(bytes)),
            ])
            try await session.print(saved.text)
        }
    }

    /// The file to fetch, or the reason why there is none.
    static func choose(
        _ batch: WireBatch, wantsErrors: Bool, hint: (String) -> String
    ) throws(CommandFailure) -> String {
        let file = wantsErrors ? batch.errorFileID : batch.outputFileID
        if batch.isTerminal, let file { return file }
        guard batch.isTerminal else {
            let lines = BatchText.lines(batch).map { " (lines \($0))" } ?? ""
            throw CommandFailure(
                .nothingToFetch,
                "\(batch.id) has no results yet: it is \(batch.status)\(lines). Wait for it: "
                    + hint("status \(batch.id) --watch"))
        }
        if batch.knownStatus == .failed {
            throw CommandFailure(
                .notCompleted,
                "\(batch.id) failed validation, so no line was run. The reasons: " + hint("status \(batch.id)"))
        }
        if wantsErrors {
            throw CommandFailure(.nothingToFetch, "\(batch.id) has no error file: no line failed")
        }
        let wayOut = batch.errorFileID == nil ? "" : ". The reasons: " + hint("results \(batch.id) --errors")
        throw CommandFailure(.nothingToFetch, "\(batch.id) has no output file: no line succeeded\(wayOut)")
    }
}
