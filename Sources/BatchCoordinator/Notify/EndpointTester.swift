// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchWebhook
internal import Foundation

/// Sends an endpoint a sample event at once, outside of the outbox: nothing is recorded and nothing is repeated.
package struct EndpointTester: Sendable {
    private let sender: WebhookSender

    /// A tester that uses `sender`.
    package init(sender: WebhookSender) {
        self.sender = sender
    }

    /// Whether a URL can be a receiver as far as its text tells; names are judged when they are dialled.
    package func mayReach(_ url: String) -> Bool { sender.mayReach(url) }

    /// Sends one sample event of `type`, about a batch that does not exist.
    package func test(
        _ endpoint: WebhookEndpoint, secrets: [WebhookSecret], type: EventType
    ) async -> AttemptReport {
        let now = Int64(Date().timeIntervalSince1970)
        let status = BatchStatus(rawValue: String(type.rawValue.dropFirst("batch.".count))) ?? .completed
        let batch = Batch(
            id: BatchID(rawValue: "batch_test"), project: endpoint.project, status: status, inputFileID: "file-test",
            endpoint: Endpoint.chatCompletions.rawValue, completionWindow: "24h", metadata: #"{"test":"true"}"#,
            createdAt: now, expiresAt: now + 86_400)
        let event = OutboxEvent(id: .random(), type: type, createdAt: now, batch: batch)
        return await sender.send(
            id: event.id.rawValue, body: event.eventObject.bytes, to: endpoint.url, secrets: secrets, now: now,
            trust: .tenant)
    }
}
