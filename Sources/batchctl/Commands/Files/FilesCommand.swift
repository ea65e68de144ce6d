// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `batchctl files`
struct FilesCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "files", abstract: "Work with the files the server stores.",
        subcommands: [
            FilesListCommand.self, FilesGetCommand.self, FilesDownloadCommand.self, FilesUploadCommand.self,
            FilesDeleteCommand.self,
        ])
}
