// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks show`
struct WebhooksShowCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an endpoint, or a delivery with its attempts.",
        discussion: "Of a receiver's answer the first bytes are shown; --json has all that the server kept.")

    /// The endpoint or delivery to show.
    @Argument(help: "The endpoint, we_…, or the delivery, whd_….")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard id.hasPrefix("we_") || id.hasPrefix("whd_") else {
            throw ValidationError("the id must be that of an endpoint, we_…, or of a delivery, whd_…, not \"\(id)\"")
        }
    }

    /// Looks it up and prints it.
    func run() async throws {
        let session = try global.session()
        let json: [UInt8]
        let lines: [String]
        let status: String
        if id.hasPrefix("whd_") {
            let answer = try await session.client.delivery(id)
            json = answer.json
            status = answer.value.status
            lines = WebhookText.details(answer.value, now: Terminal.now, offset: Terminal.offset)
        } else {
            let answer = try await session.client.webhookEndpoint(id)
            json = answer.json
            status = WebhookText.status(answer.value)
            lines = WebhookText.details(answer.value, now: Terminal.now, offset: Terminal.offset)
        }
        if format.isJSON {
            try await session.print(json: json)
        } else {
            try await session.print(lines.painted(status: status, session.terminal))
        }
    }
}
