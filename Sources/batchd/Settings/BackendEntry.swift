// SPDX-License-Identifier: Apache-2.0
import BatchInference

/// One entry of `backends` in the configuration file.
struct BackendEntry: Sendable {
    /// What becomes of it.
    var configuration = BackendConfiguration(name: "", baseURL: "", models: [])
    /// Name of the environment variable that holds the key; empty: none.
    var keyVariable = ""

    /// Every key of an entry but `models`, which is a list.
    static let table: [Setting<BackendEntry>] = [
        .text("name", \.configuration.name, "What logs call it; unique."),
        .text("url", \.configuration.baseURL, unit: "URL", "Base URL, such as http://host:8000/v1."),
        Setting(
            name: "key", unit: "text", meaning: "Key, sent as a bearer token.", flag: nil, secrecy: .hidden,
            read: { $0.configuration.apiKey ?? "" },
            write: { $0.configuration.apiKey = $1.isEmpty ? nil : $1 }),
        .text("key_env", \.keyVariable, "Environment variable that holds the key, instead of `key`."),
        .integer(
            "concurrency", \.configuration.concurrency, 1...1_000, "Calls in flight to it from one worker."),
        .integer("attempts_max", \.configuration.attemptsMax, 1...100, "Calls made for one line at most."),
        .duration("connect_timeout", \.configuration.connectTimeout, "Name lookup, connection, TLS."),
        .duration(
            "first_byte_timeout", \.configuration.firstByteTimeout,
            "From the request sent to the first byte of the answer."),
        .duration("idle_timeout", \.configuration.idleTimeout, "Longest silence within an answer."),
        .duration("total_timeout", \.configuration.totalTimeout, "The whole call."),
        .duration("backoff_first", \.configuration.backoffFirst, "Longest wait after the first failed attempt."),
        .duration("backoff_max", \.configuration.backoffMax, "Longest wait after any failed attempt."),
        .bytes("response_bytes_max", \.configuration.responseBytesMax, "Largest answer."),
    ]

    /// The key of the list of model names.
    static let modelsKey = "models"
}
