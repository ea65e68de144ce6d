// SPDX-License-Identifier: Apache-2.0

/// A message as it lay in a queue.
package struct ReceivedMessage: Sendable, Equatable {
    /// Where it was published.
    package let exchange: String
    /// With which key.
    package let routingKey: String
    /// The content.
    package let body: [UInt8]
    /// The content type; nil when not set.
    package let contentType: String?
    /// The message id; nil when not set.
    package let messageID: String?
    /// 1 transient, 2 persistent; nil when not set.
    package let deliveryMode: UInt8?
    /// The headers whose values are text.
    package let headers: [String: String]

    /// What a test expects.
    package init(
        exchange: String, routingKey: String, body: [UInt8], contentType: String?, messageID: String?,
        deliveryMode: UInt8?, headers: [String: String]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.contentType = contentType
        self.messageID = messageID
        self.deliveryMode = deliveryMode
        self.headers = headers
    }
}
