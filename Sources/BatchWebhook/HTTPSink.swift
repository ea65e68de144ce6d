// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Foundation

/// A message broker that takes events by HTTP POST; 2xx is its confirmation.
package struct HTTPSink: EventSink {
    private let sender: WebhookSender
    private let url: String
    private let secret: WebhookSecret?
    private let form: EventForm

    /// A sink.
    ///
    /// - Parameter secret: signs the messages as Standard Webhooks; nil leaves them unsigned.
    package init(sender: WebhookSender, url: String, secret: WebhookSecret?, form: EventForm) {
        self.sender = sender
        self.url = url
        self.secret = secret
        self.form = form
    }

    /// Posts the event.
    package func publish(_ event: OutboxEvent) async -> AttemptReport {
        await sender.send(
            id: event.id.rawValue, body: form.body(of: event), contentType: form.contentType, to: url,
            secrets: secret.map { [$0] } ?? [], now: Int64(Date().timeIntervalSince1970), trust: .configured)
    }

    /// Holds nothing of its own.
    package func close() async {}
}
