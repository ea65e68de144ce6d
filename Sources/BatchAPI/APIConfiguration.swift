// SPDX-License-Identifier: Apache-2.0

/// How the HTTP server behaves; every field is a setting of the daemon. What users may store is in `Limits`.
package struct APIConfiguration: Hashable, Sendable {
    /// Address or host name to listen on.
    package var host = "127.0.0.1"
    /// TCP port, 0…65535; 0 lets the system choose one.
    package var port = 8080
    /// Connections that may be open at once besides those whose requests are held; more wait in the listen queue. Each
    /// needs a file descriptor.
    package var connectionsMax = 8_192
    /// A connection on which nothing arrives for this long between or inside requests is closed.
    package var idleTimeout = Duration.seconds(60)
    /// All header fields of one request together, in bytes; more is answered with 431.
    package var headerBytesMax = 64 << 10
    /// Largest JSON request body, in bytes.
    package var jsonBytesMax = 1 << 20
    /// Largest body of a batch chat request, in bytes.
    package var liveBodyBytesMax = 6 << 20
    /// Bodies of all batch chat requests that are held or being received, in bytes together.
    package var liveHeldBytesMax = 256 << 20
    /// Uploads that may be received at once.
    package var uploadsMax = 64
    /// Downloads that may be sent at once; each holds up to two pieces of 256 KiB.
    package var downloadsMax = 128
    /// How long an upload or download waits for a free place before it is answered with 503.
    package var placeWait = Duration.seconds(10)
    /// Uploads, and likewise downloads, that may wait for a place at once.
    package var waitersMax = 1_024
    /// Bytes per second that a client must send while the server waits for its request body.
    package var bodyBytesPerSecondMin = 1_024
    /// The time of waiting over which that rate is measured.
    package var bodyRateWindow = Duration.seconds(15)
    /// Longest time in which a request body may arrive.
    package var bodyDeadline = Duration.seconds(24 * 3_600)
    /// A client that takes nothing of a response for this long is cut off.
    package var responseStallTimeout = Duration.seconds(60)
    /// How long a connection stays half open after a refusal, so that the client can read why.
    package var lingerTimeout = Duration.seconds(2)
    /// How many bytes of a refused body are read and dropped meanwhile.
    package var lingerBytesMax = 16 << 20
    /// How long requests in progress may take once the server is told to stop.
    package var drainDeadline = Duration.seconds(30)
    /// Consumers of events that may wait at once, in long polls and streams.
    package var consumersMax = 4_096
    /// The same of one project.
    package var consumersPerProjectMax = 256
    /// How long a known key is trusted without asking the database: a revoked key stops within this time. At most 5 s.
    package var keyTrust = Duration.seconds(3)
    /// Keys that are remembered that way.
    package var keysRememberedMax = 10_000
    /// How far the moment of a signed request may lie from this server's clock, either way.
    package var signatureSkewMax = Duration.seconds(900)
    /// How long a request to create an Ark job looks for the job's input.
    package var arkCheckDeadline = Duration.seconds(5)
    /// Longest time that a readiness probe waits for the database or the vault.
    package var readinessDeadline = Duration.seconds(3)

    /// The defaults.
    package init() {}

    /// What is wrong with the values, one sentence each; empty when they can be used.
    package func validate() -> [String] {
        var problems: [String] = []
        if host.isEmpty { problems.append("api.host is empty; use 127.0.0.1, 0.0.0.0 or a host name.") }
        if !(0...65_535).contains(port) { problems.append("api.port is \(port); it must be 0…65535.") }
        let positive: [(String, Int)] = [
            ("connections_max", connectionsMax), ("json_bytes_max", jsonBytesMax), ("uploads_max", uploadsMax),
            ("downloads_max", downloadsMax), ("keys_remembered_max", keysRememberedMax),
            ("live.body_bytes_max", liveBodyBytesMax), ("live.held_bytes_max", liveHeldBytesMax),
            ("consumers_max", consumersMax), ("consumers_per_project_max", consumersPerProjectMax),
        ]
        for (name, value) in positive where value < 1 {
            problems.append("api.\(name) is \(value); it must be 1 or more.")
        }
        if headerBytesMax < 4_096 { problems.append("api.header_bytes_max is \(headerBytesMax); use 4096 or more.") }
        let notNegative: [(String, Int)] = [
            ("waiters_max", waitersMax), ("body_bytes_per_second_min", bodyBytesPerSecondMin),
            ("linger_bytes_max", lingerBytesMax),
        ]
        for (name, value) in notNegative where value < 0 {
            problems.append("api.\(name) is \(value); it must not be negative.")
        }
        let durations: [(String, Duration)] = [
            ("idle_timeout", idleTimeout), ("body_rate_window", bodyRateWindow), ("body_deadline", bodyDeadline),
            ("response_stall_timeout", responseStallTimeout), ("readiness_deadline", readinessDeadline),
            ("linger_timeout", lingerTimeout), ("drain_deadline", drainDeadline),
            ("signature_skew_max", signatureSkewMax), ("ark_check_deadline", arkCheckDeadline),
        ]
        for (name, value) in durations where value <= .zero {
            problems.append("api.\(name) is \(value); it must be longer than zero.")
        }
        if placeWait < .zero || placeWait >= idleTimeout {
            problems.append("api.place_wait is \(placeWait); it must be less than api.idle_timeout, \(idleTimeout).")
        }
        if keyTrust < .zero || keyTrust > .seconds(5) {
            problems.append("api.key_trust is \(keyTrust); it must be at most 5 seconds.")
        }
        return problems
    }
}
