// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl files delete`
struct FilesDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete files; stops at the first that cannot be deleted.")

    @Argument(help: "The files: file-…")
    var ids: [String]

    @OptionGroup var format: FormatOptions
    @OptionGroup var global: GlobalOptions

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
