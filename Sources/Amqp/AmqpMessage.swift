// SPDX-License-Identifier: Apache-2.0

/// One message for an exchange; always sent as persistent, so that a durable queue keeps it over a broker's restart.
package struct AmqpMessage: Sendable {
    /// Name of the exchange, at most 255 bytes; empty for the default exchange, which routes to the queue named by the
    /// routing key.
    package let exchange: String
    /// What the exchange routes by, at most 255 bytes.
    package let routingKey: String
    /// The content, at most `AmqpConfiguration.bodyBytesMax`.
    package let body: [UInt8]
    /// Media type of the body, for example `application/cloudevents+json`; at most 255 bytes.
    package let contentType: String
    /// The same for each attempt at the same message, so that consumers recognise duplicates; 1 to 255 bytes.
    package let messageID: String
    /// Whether a message that no queue is bound for is an error (true) or dropped by the broker without a word.
    package let isMandatory: Bool
    /// Application headers, sent as text; names have 1 to 128 bytes, all together at most `headerBytesMax`.
    package let headers: [String: String]

    /// Most bytes of all header names and values: they have to fit into one frame with the other properties.
    package static let headerBytesMax = 32 * 1024

    /// A message; `AmqpPublisher.publish` checks the lengths.
    package init(
        exchange: String, routingKey: String, body: [UInt8], contentType: String, messageID: String,
        isMandatory: Bool = true, headers: [String: String] = [:]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.contentType = contentType
        self.messageID = messageID
        self.isMandatory = isMandatory
        self.headers = headers
    }

    /// Bytes that the message holds while it waits.
    var bytes: Int {
        let texts = exchange.utf8.count + routingKey.utf8.count + contentType.utf8.count + messageID.utf8.count
        return body.count + texts + headerBytes
    }

    /// Throws `invalidMessage` when something does not fit the protocol (AMQP 0-9-1, short strings) or our limits.
    func check(bodyBytesMax: Int) throws(AmqpError) {
        let short = [
            ("exchange", exchange), ("routing key", routingKey), ("content type", contentType),
            ("message id", messageID),
        ]
        for (name, value) in short where value.utf8.count > 255 {
            throw invalid("its \(name) has \(value.utf8.count) bytes, more than AMQP's 255")
        }
        if messageID.isEmpty { throw invalid("it has no message id") }
        for name in headers.keys where name.isEmpty || name.utf8.count > 128 {
            throw invalid("a header name has \(name.utf8.count) bytes, not 1 to 128")
        }
        if headerBytes > Self.headerBytesMax {
            throw invalid("its headers have \(headerBytes) bytes, more than \(Self.headerBytesMax)")
        }
        if body.count > bodyBytesMax {
            throw invalid("its body has \(body.count) bytes, more than bodyBytesMax (\(bodyBytesMax))")
        }
    }

    private var headerBytes: Int { headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } }

    private func invalid(_ what: String) -> AmqpError {
        AmqpError(.invalidMessage, "the message \(messageID) cannot be published: \(what)")
    }
}
