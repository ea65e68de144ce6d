// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// `batchctl list`
struct ListCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List batches, newest first.")

    /// Most batches the server gives at once. (contracts: OpenAI pagination)
    private static let pageMax = 100

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
            .init(title: "ID"), .init(title: "STATUS"), .init(title: "LINES", isNumber: true),
            .init(title: "FAILED", isNumber: true), .init(title: "CREATED"), .init(title: "NAME"),
            .init(title: "NOTES", isOptional: true),
        ]
        let list = Listing<WireBatch>(session: session, isJSON: format.isJSON, columns: columns, row: Self.row)
        try await list.print(limit: listing.all ? nil : listing.limit, pageMax: Self.pageMax, id: \.id) {
            try await session.client.batches(after: $0, limit: $1)
        }
    }

    /// The cells of a batch.
    @Sendable static func row(_ batch: WireBatch) -> [String] {
        let counts = batch.counts
        let done = counts.completed + counts.failed
        let lines =
            done == counts.total
            ? Quantities.count(counts.total) : "\(Quantities.count(done))/\(Quantities.count(counts.total))"
        return [
            batch.id, BatchText.status(batch), counts.total == 0 ? "-" : lines, Quantities.count(counts.failed),
            Timestamps.text(batch.createdAt, offset: Terminal.offset(at: batch.createdAt)), batch.name ?? "",
            BatchText.notes(batch),
        ]
    }
}
