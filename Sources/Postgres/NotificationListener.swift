// SPDX-License-Identifier: Apache-2.0
package import Logging

/// Something that happened on a channel the listener listens to. A hint only: the truth is in the tables.
package struct Notification: Sendable, Hashable {
    /// The channel; empty when `isReconnect`.
    package let channel: String
    /// What NOTIFY carried; empty when `isReconnect`.
    package let payload: String
    /// True after each (re)connect: notifications may have been missed, so look at the tables.
    package let isReconnect: Bool

    /// For the listener and for tests of its consumers.
    package init(channel: String, payload: String, isReconnect: Bool) {
        self.channel = channel
        self.payload = payload
        self.isReconnect = isReconnect
    }
}

/// Listens on channels with a connection and a thread of its own; reconnects by itself.
///
/// LISTEN needs a session, so the URL must not lead through PgBouncer in transaction mode.
package final class NotificationListener: Sendable {
    /// The notifications for one consumer. When it is slower than they come, the oldest beyond `bufferedMax` are
    /// dropped.
    /// Ends with `close`.
    package let notifications: AsyncStream<Notification>

    /// How many notifications wait for the consumer at most.
    package static let bufferedMax = 1024

    private let loop: ListenerLoop

    /// Starts listening. Throws when the URL cannot be parsed or the system has no thread or descriptor left; a server
    /// that is down is waited for.
    ///
    /// - Parameter greeting: a statement that each new connection runs first; empty for none.
    package init(
        configuration: PoolConfiguration, channels: [String], greeting: String = "", logger: Logger
    ) throws {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Notification.self, bufferingPolicy: .bufferingNewest(Self.bufferedMax))
        notifications = stream
        loop = try ListenerLoop(
            Connector(configuration, logger: logger), channels: channels, greeting: greeting, output: continuation,
            logger: logger)
        try loop.start()
    }

    deinit { loop.abandon() }

    /// Ends the stream, closes the connection and ends the thread.
    package func close() async { await loop.close() }
}
