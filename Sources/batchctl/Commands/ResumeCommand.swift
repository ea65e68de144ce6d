// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl resume`
struct ResumeCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a batch that was paused.",
        discussion: "Resuming a batch that is not paused is no error.")

    /// The batch to go on with.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Asks to go on and prints how the batch stands.
    func run() async throws {
        let session = try global.session()
        let answer = try await session.client.resumeBatch(id)
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe("\(answer.value.id)  \(BatchText.status(answer.value))"))
        }
    }
}
