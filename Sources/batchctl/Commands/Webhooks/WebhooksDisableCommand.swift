// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks disable`
struct WebhooksDisableCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Send no more events to an endpoint until it is enabled.",
        discussion: """
            Its signing secret and what is known of its deliveries are kept. Disabling twice is no error.
            """)

    /// The endpoint to disable.
    @Argument(help: "The endpoint: we_…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Disables the endpoint and prints how it stands.
    func run() async throws {
        try await WebhookChanging(session: try global.session(), isJSON: format.isJSON)
            .apply(WebhookEndpointChange(isEnabled: false), to: id)
    }
}
