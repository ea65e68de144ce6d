// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks list`
struct WebhooksListCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List endpoints, newest first.")

    /// Most endpoints the server gives at once.
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
        let list = Listing<WireWebhookEndpoint>(
            session: session, isJSON: format.isJSON, columns: WebhookText.endpointColumns
        ) { WebhookText.row($0, now: Terminal.now) }
        try await list.print(limit: listing.all ? nil : listing.limit, pageMax: Self.pageMax, id: \.id) {
            try await session.client.webhookEndpoints(after: $0, limit: $1)
        }
    }
}
