// SPDX-License-Identifier: Apache-2.0
import BatchAPI

extension SettingsTable {
    /// The HTTP server.
    static let api: [Row] = [
        .text("api.host", \.api.host, unit: "address", flag: "--host", "Address or host name to listen on."),
        .integer("api.port", \.api.port, 0...65_535, flag: "--port", "Port to listen on; 0 takes a free one."),
        .integer("api.connections_max", \.api.connectionsMax, 1...1_000_000, "Connections open at once."),
        .duration("api.idle_timeout", \.api.idleTimeout, "A connection that is silent for this long is closed."),
        .bytes("api.header_bytes_max", \.api.headerBytesMax, "All header fields of one request together."),
        .bytes("api.json_bytes_max", \.api.jsonBytesMax, "Largest JSON request body."),
        .integer("api.uploads_max", \.api.uploadsMax, 1...100_000, "Uploads received at once."),
        .integer("api.downloads_max", \.api.downloadsMax, 1...100_000, "Downloads sent at once."),
        .duration(
            "api.place_wait", \.api.placeWait, least: .zero,
            "How long an upload or download waits for a place before it is refused with 503."),
        .integer("api.waiters_max", \.api.waitersMax, 0...1_000_000, "Uploads, and downloads, that may wait so."),
        .integer(
            "api.body_bytes_per_second_min", \.api.bodyBytesPerSecondMin, 0...1_000_000_000,
            "Slowest request body that is put up with, in bytes per second."),
        .duration("api.body_rate_window", \.api.bodyRateWindow, "Time of waiting over which that is measured."),
        .duration("api.body_deadline", \.api.bodyDeadline, "Longest time in which a request body may arrive."),
        .duration(
            "api.response_stall_timeout", \.api.responseStallTimeout,
            "A client that takes nothing of a response for this long is cut off."),
        .duration(
            "api.linger_timeout", \.api.lingerTimeout,
            "How long a refused connection stays half open, so that the client can read why."),
        .bytes("api.linger_bytes_max", \.api.lingerBytesMax, "Bytes of a refused body read and dropped meanwhile."),
        .duration("api.drain_deadline", \.api.drainDeadline, "Time for requests in progress at the end."),
        .duration(
            "api.key_trust", \.api.keyTrust, least: .zero,
            "How long a known key is trusted without asking the database; at most 5s."),
        .integer(
            "api.consumers_max", \.api.consumersMax, 1...1_000_000,
            "Consumers of events that may wait at once, in long polls and streams."),
        .integer(
            "api.consumers_per_project_max", \.api.consumersPerProjectMax, 1...1_000_000, "The same of one project."),
        .integer("api.keys_remembered_max", \.api.keysRememberedMax, 1...10_000_000, "Keys remembered that way."),
        .duration(
            "api.signature_skew_max", \.api.signatureSkewMax, least: .seconds(1),
            "How far the moment of a signed request may lie from the server's clock."),
        .duration(
            "api.readiness_deadline", \.api.readinessDeadline, "Time a readiness probe gives database and vault."),
    ]
}
