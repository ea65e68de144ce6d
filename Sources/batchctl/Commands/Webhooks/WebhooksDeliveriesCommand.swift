// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks deliveries`
struct WebhooksDeliveriesCommand: AsyncParsableCommand {
    /// How far a delivery has come.
    enum Status: String, CaseIterable, ExpressibleByArgument {
        case pending
        case delivered
        case exhausted
    }

    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List deliveries, newest first.",
        discussion: "A delivery is pending while it is tried again, delivered, or exhausted when it was given up.")

    /// Most deliveries the server gives at once.
    private static let pageMax = 100

    /// `--endpoint`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Only those to this endpoint: we_….", valueName: "id"))
    var endpoint: String?

    /// `--batch`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Only those that tell of this batch: batch_….", valueName: "id"))
    var batch: String?

    /// `--event`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Only those of this event: evt_….", valueName: "id"))
    var event: String?

    /// `--status`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Only those that stand like this.", valueName: "status"))
    var status: Status?

    /// How many to list.
    @OptionGroup var listing: ListingOptions
    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Prints the list.
    func run() async throws {
        let session = try global.session()
        let filter = DeliveryFilter(endpointID: endpoint, batchID: batch, eventID: event, status: status?.rawValue)
        let list = Listing<WireDelivery>(
            session: session, isJSON: format.isJSON, columns: WebhookText.deliveryColumns
        ) { WebhookText.row($0, offset: Terminal.offset) }
        try await list.print(limit: listing.all ? nil : listing.limit, pageMax: Self.pageMax, id: \.id) {
            try await session.client.deliveries(filter, after: $0, limit: $1)
        }
    }
}
