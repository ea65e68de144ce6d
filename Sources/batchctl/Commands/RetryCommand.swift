// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl retry`
struct RetryCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Run the lines of an ended batch again that did not succeed.",
        discussion: """
            Makes a new batch of the lines in the error file: those that failed, expired or were cancelled. Prints its \
            id. Labels are those of the old batch, and so are window, priority and lane unless they are given. Retries \
            can be retried. With --watch or --wait the exit status tells how the new batch ended; see batchctl --help. \
            With --merge the output file holds a result for every line of the input, in its order: what succeeded in \
            any of the batches, and what failed in the last one.
            """)

    /// The batch whose lines are to be run again.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// `--window`, such as `24h`; nil when not given.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The time the new batch has: 24h to 336h, or 1d to 14d. [that of the batch]", valueName: "time"))
    var window: String?

    /// Which batches it goes before; what is not given is that of the batch.
    @OptionGroup var rank: RankOptions

    /// `--watch`.
    @Flag(name: .shortAndLong, help: "Show progress until the new batch has ended.")
    var watch = false

    /// `--wait`.
    @Flag(name: .long, help: "Wait in silence until the new batch has ended.")
    var wait = false

    /// `--merge`.
    @Flag(name: .long, help: "With --output: all lines of the input, not only those that were run again.")
    var merge = false

    /// `--output`: a path, `-` for standard output; nil when not given.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("With --watch or --wait: write the results to this file.", valueName: "path"))
    var output: String?

    /// `--json`.
    @Flag(name: .long, help: "Print the new batch as JSON: as made, or with --watch or --wait as ended.")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        try Accompanying.check(watch: watch, wait: wait, output: output, json: json)
        if merge, output == nil {
            throw ValidationError(
                "--merge needs --output and --watch or --wait; later, batchctl results NEW-ID --merge does it")
        }
        if let window { try SubmitRules.checkWindow(window) }
    }

    /// Makes the batch, and with `--watch` or `--wait` follows it to the end.
    func run() async throws {
        let session = try global.session()
        if let output { try Fetching.checkDestination(output) }
        let created = try await session.client.retryBatch(id, window: window, rank: rank.rank)
        let company = Accompanying(session: session, isShown: watch, output: output, merges: merge, json: json)
        if watch || wait {
            try await company.follow(created.value)
        } else {
            try await company.announce(created)
        }
    }
}
