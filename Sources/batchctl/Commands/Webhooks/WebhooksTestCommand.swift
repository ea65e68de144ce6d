// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl webhooks test`
struct WebhooksTestCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send an endpoint a trial event now; print what it answered.",
        discussion: "The exit status is 0 when the receiver accepted the event (HTTP 2xx), and 10 when it did not.")

    /// The endpoint to test.
    @Argument(help: "The endpoint: we_…")
    var id: String

    /// `--type`.
    @Option(
        name: .long, help: ArgumentHelp("The type of the trial event.", valueName: "type"),
        completion: .list(EventTypeOptions.known))
    var type = "batch.completed"

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Has the event sent and prints the status of the receiver's answer.
    func run() async throws {
        let session = try global.session()
        let answer = try await test(session)
        let code = answer.value.statusCode
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe("\(answer.value.webhookEndpointID ?? id)  HTTP \(code)"))
        }
        guard (200...299).contains(code) else {
            throw CommandFailure(
                .notDelivered, "the receiver answered HTTP \(code): events count as delivered with 200 to 299 only")
        }
    }

    private func test(_ session: Session) async throws -> Answer<WireWebhookTrial> {
        do throws(ClientError) {
            return try await session.client.testWebhookEndpoint(id, eventType: type)
        } catch {
            guard case .refused(let refusal, _) = error, refusal.code == "endpoint_unreachable" else { throw error }
            throw CommandFailure(.notDelivered, error.message)
        }
    }
}
