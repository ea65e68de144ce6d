// SPDX-License-Identifier: Apache-2.0
internal import BatchClient

/// Changes a webhook endpoint and tells how it stands then.
struct WebhookChanging {
    /// The command's surroundings.
    let session: Session
    /// Whether JSON is wanted.
    let isJSON: Bool

    /// Makes the change and prints the endpoint's id and status, or its JSON.
    func apply(_ change: WebhookEndpointChange, to id: String) async throws {
        let answer = try await session.client.updateWebhookEndpoint(id, change)
        if isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(PlainText.safe("\(answer.value.id)  \(WebhookText.status(answer.value))"))
        }
    }
}
