// SPDX-License-Identifier: Apache-2.0
import CRabbitMQ
import Glibc

/// One connection with one channel in confirm mode. Its calls block, for one thread.
final class BrokerConnection {
    private let connection: amqp_connection_state_t
    /// The parts of a return: its method comes before its properties.
    private var returning: PublishBook.Return?

    /// The only channel.
    private static let channel: amqp_channel_t = 1
    /// Where Debian and its relatives keep the authorities of the public web.
    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"
    /// Longest time for an orderly end.
    private static let closeLimit: Duration = .seconds(1)

    private init() throws(ConnectionEnd) {
        guard let connection = amqp_new_connection() else { throw ConnectionEnd("there is no memory for a connection") }
        self.connection = connection
    }

    deinit { amqp_destroy_connection(connection) }

    /// Connects, logs in and switches a channel to publisher confirms.
    static func open(_ configuration: AmqpConfiguration) throws(ConnectionEnd) -> BrokerConnection {
        let deadline = ContinuousClock.now + configuration.connectLimit
        let new = try BrokerConnection()
        try new.openSocket(configuration.url, within: deadline - .now)
        try new.logIn(configuration, within: deadline - .now)
        try new.limitCalls(to: deadline - .now)
        try new.check(shardline_open_channel(new.connection, channel), "opening a channel")
        try new.check(shardline_select_confirms(new.connection, channel), "switching to publisher confirms")
        amqp_maybe_release_buffers(new.connection)
        return new
    }

    /// The descriptor, for poll(2) and shutdown(2).
    var socket: CInt { amqp_get_sockfd(connection) }

    /// `nextEvent` has to be called at least this often to keep the heartbeat.
    var heartbeatPause: Duration {
        let seconds = amqp_get_heartbeat(connection)
        return seconds > 0 ? .milliseconds(seconds * 500) : .seconds(60)
    }

    /// Sends a message; the caller counts the tags.
    func publish(_ message: AmqpMessage) throws(ConnectionEnd) {
        let status = WireMessage(message).send(on: connection, channel: Self.channel)
        guard status == AMQP_STATUS_OK.rawValue else { throw broken(status, "sending a message") }
    }

    /// What the broker has said and nobody has heard yet; nil when there is nothing. Does not wait.
    func nextEvent() throws(ConnectionEnd) -> BrokerEvent? {
        while true {
            var frame = amqp_frame_t()
            let status = shardline_next_frame(connection, &frame)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            guard status == AMQP_STATUS_OK.rawValue else { throw broken(status, "listening") }
            // Everything of use is copied out of the frame before its memory is released.
            defer { amqp_maybe_release_buffers(connection) }
            if let event = try event(in: frame) { return event }
        }
    }

    /// Says goodbye, for at most a second.
    func close() {
        var limit = Self.closeLimit.timeval
        amqp_set_rpc_timeout(connection, &limit)
        // Whatever comes of it, the connection is destroyed next.
        _ = amqp_connection_close(connection, AMQP_REPLY_SUCCESS)
    }

    // MARK: Opening

    private func openSocket(_ url: AmqpURL, within limit: Duration) throws(ConnectionEnd) {
        guard let socket = url.isEncrypted ? amqp_ssl_socket_new(connection) : amqp_tcp_socket_new(connection) else {
            throw ConnectionEnd("there is no memory for a socket")
        }
        if url.isEncrypted { try prepareEncryption(of: socket, url) }
        var limit = limit.timeval
        let status = amqp_socket_open_noblock(socket, url.host, CInt(url.port), &limit)
        if status == AMQP_STATUS_SOCKET_ERROR.rawValue {
            throw ConnectionEnd("nothing accepts connections there: is the broker running, and is the port right?")
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw broken(status, "connecting") }
    }

    private func prepareEncryption(of socket: OpaquePointer, _ url: AmqpURL) throws(ConnectionEnd) {
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, 1)
        let authorities = url.authorities ?? Self.systemAuthorities
        guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == AMQP_STATUS_OK.rawValue else {
            throw ConnectionEnd("the TLS library has no TLS 1.2")
        }
        guard amqp_ssl_socket_set_cacert(socket, authorities) == AMQP_STATUS_OK.rawValue else {
            throw ConnectionEnd("there are no certificates of authorities in \(authorities) (cacertfile of the URL)")
        }
        guard let (chain, key) = url.certificate else { return }
        guard amqp_ssl_socket_set_key(socket, chain, key) == AMQP_STATUS_OK.rawValue else {
            throw ConnectionEnd(
                "no certificate with its key is in \(chain) and \(key) (certfile and keyfile of the URL)")
        }
    }

    private func logIn(_ configuration: AmqpConfiguration, within limit: Duration) throws(ConnectionEnd) {
        let url = configuration.url
        try limitCalls(to: limit)
        var limit = limit.timeval
        amqp_set_handshake_timeout(connection, &limit)
        let outcome = shardline_login(
            connection, url.vhost, CInt(configuration.heartbeatSeconds), configuration.connectionName, url.user,
            url.password)
        try check(outcome, "logging in as user '\(url.user)' to vhost '\(url.vhost)'")
    }

    private func limitCalls(to limit: Duration) throws(ConnectionEnd) {
        var limit = limit.timeval
        guard amqp_set_rpc_timeout(connection, &limit) == AMQP_STATUS_OK.rawValue else {
            throw ConnectionEnd("the library refuses a time limit")
        }
    }

    private func check(_ outcome: shardline_outcome, _ doing: String) throws(ConnectionEnd) {
        guard outcome.code == 0 else {
            throw ConnectionEnd("\(doing) was refused: \(outcome.text.string) (\(outcome.code))", code: outcome.code)
        }
        guard outcome.status == AMQP_STATUS_OK.rawValue else { throw broken(outcome.status, doing) }
    }

    private func broken(_ status: CInt, _ doing: String) -> ConnectionEnd {
        if status == AMQP_STATUS_TIMEOUT.rawValue { return ConnectionEnd("\(doing) took too long: it did not answer") }
        return ConnectionEnd("\(doing) failed: \(String(cString: amqp_error_string2(status)))")
    }

    // MARK: Listening

    private func event(in frame: amqp_frame_t) throws(ConnectionEnd) -> BrokerEvent? {
        switch Int(frame.frame_type) {
        case Int(AMQP_FRAME_METHOD): return try event(in: frame.payload.method)
        case Int(AMQP_FRAME_HEADER):
            defer { returning = nil }
            guard let method = returning, let decoded = frame.payload.properties.decoded else { return nil }
            let properties = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
            return .returned(
                PublishBook.Return(
                    exchange: method.exchange, routingKey: method.routingKey,
                    messageID: properties.message_id.string, reply: method.reply))
        // The body of a return, which is known.
        default: return nil
        }
    }

    private func event(in method: amqp_method_t) throws(ConnectionEnd) -> BrokerEvent? {
        guard let decoded = method.decoded else {
            return method.id == shardline_connection_unblocked ? .unblocked : nil
        }
        switch method.id {
        case shardline_basic_ack:
            let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirmed(tag: ack.delivery_tag, isMultiple: ack.multiple != 0, isAccepted: true)
        case shardline_basic_nack:
            let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .confirmed(tag: nack.delivery_tag, isMultiple: nack.multiple != 0, isAccepted: false)
        case shardline_basic_return:
            let back = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            returning = PublishBook.Return(
                exchange: back.exchange.string, routingKey: back.routing_key.string, messageID: "",
                reply: "\(back.reply_code) \(back.reply_text.string)")
            return nil
        case shardline_connection_blocked:
            return .blocked(decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee.reason.string)
        case shardline_connection_unblocked: return .unblocked
        case shardline_channel_close:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            throw ConnectionEnd("it closed the channel: \(close.reply_text.string)", code: close.reply_code)
        case shardline_connection_close:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            var answer = amqp_connection_close_ok_t()
            // Good manners only: the connection is destroyed next.
            _ = amqp_send_method(connection, 0, shardline_connection_close_ok, &answer)
            throw ConnectionEnd("it closed the connection: \(close.reply_text.string)", code: close.reply_code)
        default: return nil
        }
    }
}

extension amqp_bytes_t {
    /// As text; what is not UTF-8 becomes the replacement character.
    var string: String { String(decoding: UnsafeRawBufferPointer(start: bytes, count: len), as: UTF8.self) }
}
