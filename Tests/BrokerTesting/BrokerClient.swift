// SPDX-License-Identifier: Apache-2.0
import CRabbitMQ
import Glibc

/// Makes queues and looks into them, on a connection of its own. Its functions block, some ten seconds at most, and it
/// is for a moment's use: an idle connection is closed by the broker.
package final class BrokerClient {
    /// A value of a queue's arguments.
    package enum Argument {
        case text(String)
        case number(Int64)
    }

    private let connection: amqp_connection_state_t
    private static let channel: amqp_channel_t = 1
    private static let heartbeatSeconds: CInt = 10

    /// Connects to 127.0.0.1 and opens vhost `/`.
    init(port: Int, user: String, password: String) throws {
        guard let connection = amqp_new_connection() else { throw BrokerTestingError("no memory for a connection") }
        self.connection = connection
        guard let socket = amqp_tcp_socket_new(connection) else { throw BrokerTestingError("no memory for a socket") }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        amqp_set_handshake_timeout(connection, &limit)
        amqp_set_rpc_timeout(connection, &limit)
        let status = amqp_socket_open_noblock(socket, "127.0.0.1", CInt(port), &limit)
        guard status == AMQP_STATUS_OK.rawValue else {
            throw BrokerTestingError("cannot connect: \(Self.words(status))")
        }
        try check(shardline_login(connection, "/", Self.heartbeatSeconds, "tests", user, password), "logging in")
        try check(shardline_open_channel(connection, Self.channel), "opening a channel")
    }

    deinit {
        _ = amqp_connection_close(connection, AMQP_REPLY_SUCCESS)
        amqp_destroy_connection(connection)
    }

    /// Makes a durable queue.
    package func declareQueue(_ name: String, arguments: [String: Argument] = [:]) throws {
        try withTable(arguments) { table in
            try withBytes(name) { name in
                amqp_queue_declare(connection, Self.channel, name, 0, 1, 0, 0, table)
                try check("declaring a queue")
            }
        }
    }

    /// Removes a queue with what is in it.
    package func deleteQueue(_ name: String) throws {
        try withBytes(name) { name in
            amqp_queue_delete(connection, Self.channel, name, 0, 0)
            try check("deleting a queue")
        }
    }

    /// Makes a durable exchange of type `topic`, `direct` or `fanout`.
    package func declareExchange(_ name: String, type: String) throws {
        try withBytes(name) { name in
            try withBytes(type) { type in
                amqp_exchange_declare(connection, Self.channel, name, type, 0, 1, 0, 0, amqp_table_t())
                try check("declaring an exchange")
            }
        }
    }

    /// Lets an exchange route to a queue.
    package func bind(queue: String, exchange: String, routingKey: String) throws {
        try withBytes(queue) { queue in
            try withBytes(exchange) { exchange in
                try withBytes(routingKey) { key in
                    amqp_queue_bind(connection, Self.channel, queue, exchange, key, amqp_table_t())
                    try check("binding a queue")
                }
            }
        }
    }

    /// Takes the oldest message out of a queue; nil when it is empty.
    package func take(from queue: String) throws -> ReceivedMessage? {
        defer { amqp_maybe_release_buffers(connection) }
        return try withBytes(queue) { queue in
            let reply = amqp_basic_get(connection, Self.channel, queue, 1)
            try check(shardline_judge(reply), "getting a message")
            guard shardline_is_message(reply) != 0, let decoded = reply.reply.decoded else { return nil }
            let method = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
            let (exchange, routingKey) = (Self.text(method.exchange), Self.text(method.routing_key))
            var message = amqp_message_t()
            try check(shardline_judge(amqp_read_message(connection, Self.channel, &message, 0)), "reading a message")
            defer { amqp_destroy_message(&message) }
            return Self.received(message, exchange: exchange, routingKey: routingKey)
        }
    }

    /// Takes all messages out of a queue, the oldest first.
    package func takeAll(from queue: String) throws -> [ReceivedMessage] {
        var messages: [ReceivedMessage] = []
        while let message = try take(from: queue) { messages.append(message) }
        return messages
    }

    private static func received(
        _ message: amqp_message_t, exchange: String, routingKey: String
    ) -> ReceivedMessage {
        let properties = message.properties
        func has(_ flag: Int32) -> Bool { properties._flags & amqp_flags_t(flag) != 0 }
        var headers: [String: String] = [:]
        if has(AMQP_BASIC_HEADERS_FLAG) {
            for entry in UnsafeBufferPointer(
                start: properties.headers.entries, count: Int(properties.headers.num_entries))
            where entry.value.kind == UInt8(AMQP_FIELD_KIND_UTF8.rawValue) {
                headers[text(entry.key)] = text(entry.value.value.bytes)
            }
        }
        return ReceivedMessage(
            exchange: exchange, routingKey: routingKey,
            body: Array(UnsafeRawBufferPointer(start: message.body.bytes, count: message.body.len)),
            contentType: has(AMQP_BASIC_CONTENT_TYPE_FLAG) ? text(properties.content_type) : nil,
            messageID: has(AMQP_BASIC_MESSAGE_ID_FLAG) ? text(properties.message_id) : nil,
            deliveryMode: has(AMQP_BASIC_DELIVERY_MODE_FLAG) ? properties.delivery_mode : nil, headers: headers)
    }

    private func check(_ doing: String) throws {
        try check(shardline_judge(amqp_get_rpc_reply(connection)), doing)
    }

    private func check(_ outcome: shardline_outcome, _ doing: String) throws {
        guard outcome.code == 0 else { throw BrokerTestingError("\(doing) was refused: \(Self.text(outcome.text))") }
        guard outcome.status == AMQP_STATUS_OK.rawValue else {
            throw BrokerTestingError("\(doing) failed: \(Self.words(outcome.status))")
        }
    }

    private static func words(_ status: CInt) -> String { String(cString: amqp_error_string2(status)) }

    private static func text(_ bytes: amqp_bytes_t) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    private func withBytes<T>(_ text: String, _ body: (amqp_bytes_t) throws -> T) rethrows -> T {
        try text.withCString { try body(amqp_cstring_bytes($0)) }
    }

    private func withTable(_ arguments: [String: Argument], _ body: (amqp_table_t) throws -> Void) rethrows {
        // Copies that live as long as the call.
        var texts: [UnsafeMutablePointer<CChar>?] = []
        defer { for text in texts { free(text) } }
        func kept(_ text: String) -> amqp_bytes_t {
            let copy = strdup(text)
            texts.append(copy)
            return amqp_cstring_bytes(copy)
        }
        var entries = arguments.map { name, value in
            var entry = amqp_table_entry_t()
            entry.key = kept(name)
            switch value {
            case .text(let text):
                entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                entry.value.value.bytes = kept(text)
            case .number(let number):
                entry.value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
                entry.value.value.i64 = number
            }
            return entry
        }
        try entries.withUnsafeMutableBufferPointer { entries in
            try body(amqp_table_t(num_entries: CInt(entries.count), entries: entries.baseAddress))
        }
    }
}
