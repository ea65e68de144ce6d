// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// `batchctl files download`
struct FilesDownloadCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Fetch the content of a file.",
        discussion: """
            A download to a file that broke off goes on where it stopped when the command is repeated; the file has \
            its name only when it is whole.
            """)

    /// The file to fetch.
    @Argument(help: "The file: file-…")
    var id: String

    /// `--output`: a path, `-` for standard output; nil when not given.
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write to this file, replacing it; - is standard output.", valueName: "path"))
    var output: String?

    /// `--json`.
    @Flag(name: .long, help: "With --output: print what was saved as JSON.")
    var json = false

    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Fetches the content.
    func run() async throws {
        let session = try global.session()
        let bytes = try await Fetching(session: session).fetch(id, to: output)
        if json, let output, output != "-" {
            let saved = JSONValue.object([
                .init("file_id", .string(id)), .init("path", .string(output)), .init("bytes", .integer(bytes)),
            ])
            try await session.print(saved.text)
        }
    }
}
