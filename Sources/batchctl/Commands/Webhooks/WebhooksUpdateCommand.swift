// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks update`
struct WebhooksUpdateCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change the address, name or types of an endpoint.",
        discussion: "What is not given stays. The signing secret stays, too; batchctl webhooks rotate changes it.")

    /// The endpoint to change.
    @Argument(help: "The endpoint: we_…")
    var id: String

    /// `--to`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("Where to send events from now on.", valueName: "url"))
    var to: String?

    /// `--name`; nil when not given.
    @Option(name: .long, help: ArgumentHelp("A name to know it by.", valueName: "name"))
    var name: String?

    /// Which events; none given changes nothing.
    @OptionGroup var types: EventTypeOptions
    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard to != nil || name != nil || !types.list.isEmpty else {
            throw ValidationError("give what is to change: --to, --name or --types")
        }
        if let to { try WebhookRules.checkURL(to, option: "--to") }
    }

    /// Changes the endpoint and prints it as it is now.
    func run() async throws {
        let change = WebhookEndpointChange(url: to, name: name, eventTypes: types.list.isEmpty ? nil : types.list)
        try await WebhookChanging(session: try global.session(), isJSON: format.isJSON).apply(change, to: id)
    }
}
