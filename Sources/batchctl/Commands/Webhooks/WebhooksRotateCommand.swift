// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks rotate`
struct WebhooksRotateCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give an endpoint a new signing secret and print it.",
        discussion: """
            The secret is shown this once. Without --keep-old receivers that know only the old one refuse events from \
            now on; with it events are signed with both for 24 hours.
            """)

    /// The endpoint.
    @Argument(help: "The endpoint: we_…")
    var id: String

    /// `--keep-old`.
    @Flag(name: .long, help: "Sign with the old secret, too, for 24 hours.")
    var keepOld = false

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Changes the secret and prints the new one.
    func run() async throws {
        let session = try global.session()
        let answer = try await rotate(session)
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe(answer.value.signingSecret ?? ""))
        }
        session.narrator.say(
            "the new signing secret of \(PlainText.safe(answer.value.id)) will not be shown again; the old one "
                + (keepOld ? "is valid for 24 hours more" : "is void"))
    }

    private func rotate(_ session: Session) async throws -> Answer<WireWebhookEndpoint> {
        do {
            return try await session.client.rotateWebhookSecret(id, keepsOld: keepOld)
        } catch {
            switch error {
            case .interrupted, .serverFault, .unintelligible, .cancelled:
                session.narrator.tell(
                    "the secret may have been changed, and the new one is lost; its end shows with "
                        + session.hint("webhooks show \(id)"))
            default: break
            }
            throw error
        }
    }
}
