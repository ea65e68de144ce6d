// SPDX-License-Identifier: Apache-2.0

/// Settings of one engine. Several engines may exist; each has its own thread, connections and name cache.
package struct EngineConfiguration: Sendable {
    /// Transfers in progress at once, 1...1,000; more wait in order. Above 1,000 libcurl's cost per request grows:
    /// use another engine. Default 512.
    package var connectionsMax: Int
    /// Connections to one host and port, ≥ 1; nil = no limit of its own. A transfer waiting for one counts as
    /// connecting. Default nil.
    package var connectionsPerHostMax: Int?
    /// Open connections, in use or idle, above which the idle one unused for longest is closed when a transfer
    /// ends; below `connectionsMax` it makes busy engines reconnect. Nil = `connectionsMax`. Default nil.
    package var idleConnectionsMax: Int?
    /// An idle connection older than this is not used again, in whole seconds, ≥ 1 s. Default 60 s.
    package var connectionIdleTimeout: Duration
    /// Transfers that may wait for a place before `queueFull`. Default 100,000.
    package var waitingMax: Int
    /// Header bytes of one answer, interim answers included, before `responseTooLarge`. Default 64 KiB.
    package var responseHeaderBytesMax: Int
    /// Bytes of a download kept in memory for a slow consumer before the connection is paused; one read more may
    /// be added. Default 256 KiB.
    package var downloadBufferBytes: Int
    /// Value of the `User-Agent` field.
    package var userAgent: String
    /// PEM file of certificate authorities to trust in place of the system's; nil = the system's.
    package var caBundlePath: String?
    /// Name of the thread in process listings, at most 15 bytes.
    package var threadName: String

    /// Settings; every one has a default.
    package init(
        connectionsMax: Int = 512, connectionsPerHostMax: Int? = nil, idleConnectionsMax: Int? = nil,
        connectionIdleTimeout: Duration = .seconds(60), waitingMax: Int = 100_000,
        responseHeaderBytesMax: Int = 64 << 10, downloadBufferBytes: Int = 256 << 10,
        userAgent: String = "shardline", caBundlePath: String? = nil, threadName: String = "curl"
    ) {
        self.connectionsMax = min(max(connectionsMax, 1), 1000)
        self.connectionsPerHostMax = connectionsPerHostMax
        self.idleConnectionsMax = idleConnectionsMax
        self.connectionIdleTimeout = connectionIdleTimeout
        self.waitingMax = waitingMax
        self.responseHeaderBytesMax = responseHeaderBytesMax
        self.downloadBufferBytes = downloadBufferBytes
        self.userAgent = userAgent
        self.caBundlePath = caBundlePath
        self.threadName = threadName
    }
}
