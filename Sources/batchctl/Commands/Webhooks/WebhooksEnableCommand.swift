// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks enable`
struct WebhooksEnableCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Send events to an endpoint again.",
        discussion: """
            What happened meanwhile is not sent by itself; batchctl webhooks replay --endpoint ID --since TIME \
            --missed does that. Enabling twice is no error.
            """)

    /// The endpoint to enable.
    @Argument(help: "The endpoint: we_…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Enables the endpoint and prints how it stands.
    func run() async throws {
        try await WebhookChanging(session: try global.session(), isJSON: format.isJSON)
            .apply(WebhookEndpointChange(isEnabled: true), to: id)
    }
}
