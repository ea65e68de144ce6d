// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks delete`
struct WebhooksDeleteCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete endpoints; stops at the first that cannot be deleted.",
        discussion: "What was not delivered yet is not sent any more. To stop for a while: batchctl webhooks disable.")

    /// The endpoints to delete, in this order.
    @Argument(help: "The endpoints: we_…")
    var ids: [String]

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Deletes one after another.
    func run() async throws {
        let session = try global.session()
        for id in ids {
            let answer = try await session.client.deleteWebhookEndpoint(id)
            if format.isJSON {
                try await session.print(json: answer.json)
            } else {
                try await session.print("\(PlainText.safe(answer.value.id))  deleted")
            }
        }
    }
}
