// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl cancel`
struct CancelCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Stop a batch; results that are there are kept.",
        discussion: "Lines that are running may still end. Cancelling twice is no error.")

    /// The batch to stop.
    @Argument(help: "The batch: batch_…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Asks for the cancellation and prints how the batch stands.
    func run() async throws {
        let session = try global.session()
        let answer = try await session.client.cancelBatch(id)
        if format.isJSON {
            try await session.print(json: answer.json)
            return
        }
        try await session.print("\(answer.value.id)  \(answer.value.status)")
        if !answer.value.isTerminal {
            session.narrator.say("lines that are running may still end; see " + session.hint("status \(id) --watch"))
        }
    }
}
