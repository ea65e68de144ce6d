// SPDX-License-Identifier: Apache-2.0
import Amqp
import BatchCore
import BatchWebhook

/// One entry of `sinks` in the configuration file: a message broker that is told of every event.
struct SinkEntry: Sendable {
    /// How a broker is spoken to.
    enum Kind: String, CaseIterable, Sendable {
        /// CloudEvents by HTTP POST.
        case http
        /// AMQP 0-9-1, such as RabbitMQ.
        case amqp
    }

    /// How an event looks.
    enum Format: String, CaseIterable, Sendable {
        /// CloudEvents 1.0, structured.
        case cloudevents
        /// Volcengine Ark's `BatchJobFinished` and `BatchJobFailed`.
        case ark
    }

    /// What logs and deliveries call it; unique, and the same for ever: events wait for it under this name.
    var name = ""
    /// How it is spoken to.
    var kind = Kind.http
    /// Where it is.
    var url = ""
    /// Name of the environment variable that holds the URL, for one with a password; empty: none.
    var urlVariable = ""
    /// AMQP: where messages are published; empty: the default exchange.
    var exchange = ""
    /// AMQP: what the exchange routes by.
    var routingKey = ""
    /// AMQP: whether an event that no queue is bound for waits until there is one.
    var isMandatory = true
    /// HTTP: signs the messages; empty: unsigned.
    var secret = ""
    /// How an event looks.
    var format = Format.cloudevents
    /// `source` of the CloudEvents.
    var source = CloudEvent().source
    /// `type` of the CloudEvents.
    var type = CloudEvent().type

    /// Every key of an entry.
    static let table: [Setting<SinkEntry>] = [
        .text("name", \.name, "What logs and deliveries call it; unique, and kept: events wait under it."),
        .choice("type", \.kind, "How it is spoken to: HTTP POST, or AMQP 0-9-1 (RabbitMQ)."),
        .choice("format", \.format, "How an event looks: CloudEvents 1.0, or the job events of Volcengine Ark."),
        .text(
            "url", \.url, unit: "URL", secrecy: .hidesPassword,
            "Where it is, such as amqp://user:password@host:5672/vhost."),
        .text("url_env", \.urlVariable, "Environment variable that holds the URL, instead of `url`."),
        .text("exchange", \.exchange, "AMQP: exchange; empty: the default one, which routes to a queue by its name."),
        .text("routing_key", \.routingKey, "AMQP: routing key."),
        .flag(
            "mandatory", \.isMandatory,
            "AMQP: whether an event waits when no queue is bound for it; otherwise the broker drops it."),
        .text("secret", \.secret, unit: "whsec_ and base64", secrecy: .hidden, "HTTP: signs the messages."),
        .text("event_source", \.source, "`source` of the CloudEvents."),
        .text("event_type", \.type, "`type` of the CloudEvents."),
    ]

    /// What is wrong with it, one line each; empty when it can be used.
    func validate() -> [String] {
        let title = "sink \(name.isEmpty ? "without a name" : name)"
        var problems: [String] = []
        if name.isEmpty { problems.append("\(title): name is missing") }
        switch kind {
        case .http:
            do throws(OutboundURLProblem) { _ = try OutboundURL(url) } catch {
                problems.append("\(title): the URL \(error.message)")
            }
            if !secret.isEmpty && WebhookSecret(secret) == nil {
                problems.append("\(title): secret must be whsec_ and base64")
            }
        case .amqp:
            do throws(AmqpError) { _ = try AmqpURL(url) } catch { problems.append("\(title): \(error.message)") }
            if exchange.isEmpty && routingKey.isEmpty {
                problems.append("\(title): needs an exchange, a routing_key (the queue's name), or both")
            }
        }
        return problems
    }

    /// The sink itself.
    ///
    /// - Throws: when it cannot be used after all.
    func sink(sender: WebhookSender) throws -> any EventSink {
        let form: EventForm = format == .ark ? .ark : .cloudEvent(CloudEvent(source: source, type: type))
        switch kind {
        case .http:
            return HTTPSink(sender: sender, url: url, secret: WebhookSecret(secret), form: form)
        case .amqp:
            return try AmqpSink(
                AmqpConfiguration(url: try AmqpURL(url)), exchange: exchange, routingKey: routingKey,
                isMandatory: isMandatory, form: form)
        }
    }
}
