// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl files list`
struct FilesListCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List files, newest first.")

    /// How many files are asked for at once; the server gives up to 10,000.
    private static let pageMax = 1_000

    /// `--purpose`; nil lists files of every purpose.
    @Option(name: .long, help: "Only files of this purpose, such as batch or batch_output.")
    var purpose: String?

    /// How many to list.
    @OptionGroup var listing: ListingOptions
    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Prints the list.
    func run() async throws {
        let session = try global.session()
        let columns: [Table.Column] = [
            .init(title: "ID"), .init(title: "SIZE", isNumber: true), .init(title: "PURPOSE"),
            .init(title: "CREATED"), .init(title: "FILENAME"),
        ]
        let list = Listing<WireFile>(session: session, isJSON: format.isJSON, columns: columns, row: Self.row)
        try await list.print(limit: listing.all ? nil : listing.limit, pageMax: Self.pageMax, id: \.id) {
            try await session.client.files(after: $0, limit: $1, purpose: purpose)
        }
    }

    /// The cells of a file.
    @Sendable static func row(_ file: WireFile) -> [String] {
        [
            file.id, Quantities.size(file.bytes), file.purpose,
            Timestamps.text(file.createdAt, offset: Terminal.offset(at: file.createdAt)), file.filename,
        ]
    }
}
