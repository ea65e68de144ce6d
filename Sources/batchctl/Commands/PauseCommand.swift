// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl pause`
struct PauseCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Start no more lines of a batch until it is resumed.",
        discussion: """
            Lines that are running may still end; their results are kept. The completion window goes on. Pausing twice \
            is no error; a batch that has ended, or is about to, cannot be paused.
            """)

    /// The batch to pause.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Asks for the pause and prints how the batch stands.
    func run() async throws {
        let session = try global.session()
        let answer = try await session.client.pauseBatch(id)
        if format.isJSON {
            try await session.print(json: answer.json)
            return
        }
        try await session.print(PlainText.safe("\(answer.value.id)  \(BatchText.status(answer.value))"))
        session.narrator.say("lines that are running may still end; to go on: " + session.hint("resume \(id)"))
    }
}
