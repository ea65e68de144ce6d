// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl status`
struct StatusCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how a batch stands.",
        discussion: "With --watch the exit status tells how the batch ended; see batchctl --help.")

    /// The batch to show.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// `--watch`.
    @Flag(name: .shortAndLong, help: "Show progress until the batch has ended. Ctrl-C does not stop the batch.")
    var watch = false

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Looks once, or with `--watch` until the end.
    func run() async throws {
        let session = try global.session()
        var answer = try await session.client.batch(id)
        if watch, !answer.value.isTerminal {
            answer = try await BatchWatch(session: session, isShown: true).followOrExplain(id, from: answer.value)
        }
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(
                BatchText.details(answer.value, now: Terminal.now, offset: Terminal.offset)
                    .painted(status: answer.value.status, session.terminal))
        }
        if watch, BatchText.exitStatus(answer.value) != .done {
            throw CommandFailure(BatchText.exitStatus(answer.value))
        }
    }
}
