// SPDX-License-Identifier: Apache-2.0

package import Amqp
package import BatchCore

/// A RabbitMQ, or another broker that speaks AMQP 0-9-1. It has an event when it has confirmed the message.
package struct AmqpSink: EventSink {
    private let publisher: AmqpPublisher
    private let exchange: String
    private let routingKey: String
    private let isMandatory: Bool
    private let form: EventForm

    /// How long messages under way may take at the end.
    private static let closeDeadline = Duration.seconds(5)

    /// A sink.
    ///
    /// - Parameters:
    ///   - exchange: empty for the default exchange, which routes to the queue that the key names.
    ///   - isMandatory: whether an event that no queue is bound for is a failure and is sent again, or dropped.
    /// - Throws: when the configuration cannot be used.
    package init(
        _ configuration: AmqpConfiguration, exchange: String, routingKey: String, isMandatory: Bool, form: EventForm
    ) throws(AmqpError) {
        publisher = try AmqpPublisher(configuration)
        self.exchange = exchange
        self.routingKey = routingKey
        self.isMandatory = isMandatory
        self.form = form
    }

    /// Publishes the event and waits for the confirm.
    package func publish(_ event: OutboxEvent) async -> AttemptReport {
        let start = ContinuousClock.now
        do throws(AmqpError) {
            try await publisher.publish(
                AmqpMessage(
                    exchange: exchange, routingKey: routingKey, body: form.body(of: event),
                    contentType: form.contentType, messageID: event.id.rawValue, isMandatory: isMandatory,
                    headers: ["type": event.type.rawValue]))
            return AttemptReport(verdict: .delivered, latency: ContinuousClock.now - start)
        } catch {
            let isOurs = error.code == .closed || error.code == .cancelled
            return AttemptReport(
                verdict: isOurs ? .interrupted : .failed, latency: ContinuousClock.now - start,
                reason: error.description)
        }
    }

    /// Ends the connection.
    package func close() async { await publisher.close(within: Self.closeDeadline) }
}
