// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl files delete`
struct FilesDeleteCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete files; stops at the first that cannot be deleted.")

    /// The files to delete, in this order.
    @Argument(help: "The files: file-…")
    var ids: [String]

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Deletes one after another.
    func run() async throws {
        let session = try global.session()
        for id in ids {
            let answer = try await session.client.deleteFile(id)
            if format.isJSON {
                try await session.print(json: answer.json)
            } else {
                try await session.print("\(PlainText.safe(answer.value.id))  deleted")
            }
        }
    }
}
