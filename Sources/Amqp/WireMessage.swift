// SPDX-License-Identifier: Apache-2.0
import CRabbitMQ

/// A message as librabbitmq wants it: all texts in one run of bytes, so that a single pointer serves them all.
struct WireMessage {
    private let body: [UInt8]
    private let isMandatory: Bool
    private var texts: [UInt8] = []
    private let exchange, routingKey, contentType, messageID: Range<Int>
    private let headers: [(name: Range<Int>, value: Range<Int>)]

    /// RFC of the delivery modes: AMQP 0-9-1 section 4.2.6; 2 is persistent.
    private static let persistent: UInt8 = 2

    /// Lays out the texts.
    init(_ message: AmqpMessage) {
        var texts: [UInt8] = []
        func lay(_ text: String) -> Range<Int> {
            let start = texts.count
            texts.append(contentsOf: text.utf8)
            return start..<texts.count
        }
        exchange = lay(message.exchange)
        routingKey = lay(message.routingKey)
        contentType = lay(message.contentType)
        messageID = lay(message.messageID)
        headers = message.headers.sorted { $0.key < $1.key }.map { (lay($0.key), lay($0.value)) }
        self.texts = texts
        body = message.body
        isMandatory = message.isMandatory
    }

    /// Writes the message's frames to the socket. Blocks; returns an `amqp_status_enum`.
    func send(on connection: amqp_connection_state_t, channel: amqp_channel_t) -> CInt {
        texts.withUnsafeBytes { texts in
            body.withUnsafeBytes { body in
                var entries = headers.map { header in
                    var entry = amqp_table_entry_t()
                    entry.key = Self.bytes(texts, header.name)
                    entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                    entry.value.value.bytes = Self.bytes(texts, header.value)
                    return entry
                }
                return entries.withUnsafeMutableBufferPointer { entries in
                    var properties = amqp_basic_properties_t()
                    let flags = [
                        AMQP_BASIC_CONTENT_TYPE_FLAG, AMQP_BASIC_DELIVERY_MODE_FLAG, AMQP_BASIC_MESSAGE_ID_FLAG,
                        entries.isEmpty ? 0 : AMQP_BASIC_HEADERS_FLAG,
                    ]
                    properties._flags = amqp_flags_t(flags.reduce(0, |))
                    properties.content_type = Self.bytes(texts, contentType)
                    properties.delivery_mode = Self.persistent
                    properties.message_id = Self.bytes(texts, messageID)
                    properties.headers = amqp_table_t(num_entries: CInt(entries.count), entries: entries.baseAddress)
                    return amqp_basic_publish(
                        connection, channel, Self.bytes(texts, exchange), Self.bytes(texts, routingKey),
                        isMandatory ? 1 : 0, 0, &properties, Self.bytes(body, 0..<body.count))
                }
            }
        }
    }

    /// The library takes a pointer to mutable bytes and only reads them.
    private static func bytes(_ buffer: UnsafeRawBufferPointer, _ range: Range<Int>) -> amqp_bytes_t {
        amqp_bytes_t(
            len: range.count, bytes: buffer.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + range.lowerBound) }
        )
    }
}
