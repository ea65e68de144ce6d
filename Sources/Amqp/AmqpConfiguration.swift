// SPDX-License-Identifier: Apache-2.0

/// What a publisher is told: the broker and the limits.
package struct AmqpConfiguration: Sendable {
    /// Where the broker is.
    package var url: AmqpURL
    /// Shown in the broker's list of connections.
    package var connectionName = "shardline"
    /// Longest time for one attempt to connect: TCP, TLS and login together. Looking up the host's name comes on top,
    /// with the resolver's own limits; `publishTimeout` holds nevertheless.
    package var connectTimeout: Duration = .seconds(10)
    /// A connection on which nothing arrived for twice this time is given up; 1 s to 3600 s, whole seconds.
    package var heartbeat: Duration = .seconds(20)
    /// Longest time from `publish` to the confirm, waiting and connecting included. When a sent message is not
    /// confirmed in time, the connection is given up.
    package var publishTimeout: Duration = .seconds(30)
    /// Most messages that are sent and not yet confirmed.
    package var inFlightMax = 256
    /// Most messages that wait to be sent; more are refused at once.
    package var waitingMax = 4096
    /// Most bytes of the messages that wait to be sent; more are refused at once.
    package var waitingBytesMax = 64 * 1024 * 1024
    /// Largest body of one message. Brokers have a limit of their own (RabbitMQ: 128 MiB) and break the connection
    /// when a message is larger.
    package var bodyBytesMax = 16 * 1024 * 1024
    /// After a failed attempt to connect the next one is made after a random pause of up to this long, doubled with
    /// each failure; until then publishing fails at once.
    package var reconnectPauseFirst: Duration = .milliseconds(250)
    /// Where doubling the pause ends.
    package var reconnectPauseMax: Duration = .seconds(10)

    /// The defaults for a broker.
    package init(url: AmqpURL) {
        self.url = url
    }

    /// The URL's own wish, else `connectTimeout`.
    var connectLimit: Duration { url.connectTimeout ?? connectTimeout }
    /// The URL's own wish, else `heartbeat`.
    var heartbeatSeconds: Int64 { (url.heartbeat ?? heartbeat).components.seconds }

    /// Throws `invalidConfiguration` for a limit that makes no sense.
    func check() throws(AmqpError) {
        let durations = [
            ("connectTimeout", connectLimit), ("publishTimeout", publishTimeout),
            ("reconnectPauseFirst", reconnectPauseFirst), ("reconnectPauseMax", reconnectPauseMax),
        ]
        for (name, value) in durations where value < .milliseconds(1) || value > .seconds(86_400) {
            throw AmqpError(.invalidConfiguration, "\(name) is \(value), not between 1 ms and one day")
        }
        let counts = [
            ("inFlightMax", inFlightMax), ("waitingMax", waitingMax), ("waitingBytesMax", waitingBytesMax),
            ("bodyBytesMax", bodyBytesMax),
        ]
        for (name, value) in counts where value < 1 {
            throw AmqpError(.invalidConfiguration, "\(name) is \(value), not at least 1")
        }
        guard (1...3600).contains(heartbeatSeconds) else {
            throw AmqpError(.invalidConfiguration, "heartbeat is \(heartbeatSeconds) s, not between 1 s and 3600 s")
        }
        guard !connectionName.contains("\0") else {
            throw AmqpError(.invalidConfiguration, "connectionName contains a NUL character")
        }
    }
}
