// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl files upload`
struct FilesUploadCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Store a file and print its id.",
        discussion: "A batch of it is made with batchctl submit --file-id ID --endpoint PATH.")

    /// The path as it was given.
    @Argument(help: "The local file.", completion: .file())
    var file: String

    /// `--purpose`.
    @Option(name: .long, help: "What it is for.")
    var purpose = "batch"

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Uploads and prints the id.
    func run() async throws {
        let local = try LocalFile(path: file)
        let session = try global.session()
        let answer = try await Sending(session: session).send(local, purpose: purpose)
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe(answer.value.id))
        }
    }
}
