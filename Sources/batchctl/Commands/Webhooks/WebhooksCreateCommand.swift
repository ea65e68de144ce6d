// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks create`
struct WebhooksCreateCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an endpoint; print its id and its signing secret.",
        discussion: """
            The secret is shown this once. For a script: read -r id secret <<< "$(batchctl webhooks create URL)"
            """)

    /// Where events are to be sent to.
    @Argument(help: "Where to send events: https://… or http://….")
    var url: String

    /// `--name`; nil takes the host of the address.
    @Option(name: .long, help: ArgumentHelp("A name to know it by. [the host of the URL]", valueName: "name"))
    var name: String?

    /// Which events.
    @OptionGroup var types: EventTypeOptions
    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        try WebhookRules.checkURL(url, option: "the URL")
    }

    /// Makes the endpoint and prints its id and secret.
    func run() async throws {
        let session = try global.session()
        // Without a list the server sends nothing, so "all" has to be spelled out; it knows what there is.
        let types = self.types.list.isEmpty ? try await session.client.webhookEventTypes() : self.types.list
        let answer = try await create(types, session)
        let id = answer.value.id
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe([id, answer.value.signingSecret ?? ""].joined(separator: "  ")))
        }
        session.narrator.say(
            "the signing secret (whsec_…) will not be shown again: keep it where the receiver finds it")
        session.narrator.say("  test it:   " + session.hint("webhooks test \(id)"))
        session.narrator.say("  remove it: " + session.hint("webhooks delete \(id)"))
    }

    private func create(_ types: [String], _ session: Session) async throws -> Answer<WireWebhookEndpoint> {
        let name = self.name ?? WebhookRules.host(of: url)
        do {
            return try await session.client.createWebhookEndpoint(url: url, name: name, eventTypes: types)
        } catch {
            switch error {
            case .interrupted, .serverFault, .unintelligible, .cancelled:
                session.narrator.tell(
                    "the endpoint may have been made, and its secret is lost. To see and remove it: "
                        + session.hint("webhooks list"))
            default: break
            }
            throw error
        }
    }
}
