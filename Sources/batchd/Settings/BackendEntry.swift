// SPDX-License-Identifier: Apache-2.0
import BatchInference

/// One entry of `backends` in the configuration file.
struct BackendEntry: Sendable {
    /// What becomes of it.
    var configuration = BackendConfiguration(name: "", baseURL: "", models: [])
    /// Name of the environment variable that holds the key; empty: none.
    var keyVariable = ""

    /// Every key of an entry but `models`, which is a list.
    static let table: [Setting<BackendEntry>] =
        [
            .text("name", \.configuration.name, "What logs call it; unique."),
            .text("url", \.configuration.baseURL, unit: "URL", "Base URL, such as http://host:8000/v1."),
            Setting(
                name: "key", unit: "text", meaning: "Key, sent as a bearer token.", flag: nil, secrecy: .hidden,
                read: { $0.configuration.apiKey ?? "" },
                write: { $0.configuration.apiKey = $1.isEmpty ? nil : $1 }),
            .text("key_env", \.keyVariable, "Environment variable that holds the key, instead of `key`."),
            .integer(
                "concurrency", \.configuration.concurrency, 1...20_000, "Calls in flight to it from one worker at most."
            ),
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
        + sharing + pacing + probing

    /// How lines and places are divided.
    private static let sharing: [Setting<BackendEntry>] = [
        .integer("weight", \.configuration.weight, 1...1_000, "Its part of the lines among equal backends."),
        .optional(
            "cluster_concurrency", \.configuration.clusterConcurrency, 1...1_000_000,
            "Calls in flight to it from all workers together at most."),
        .integer(
            "window_start", \.configuration.windowStart, 1...20_000,
            "Calls in flight from one worker before anything is known of it."),
        .integer("window_floor", \.configuration.windowFloor, 1...20_000, "Fewest calls in flight, whatever it says."),
        .number(
            "latency_tolerance", \.configuration.latencyTolerance, 1.1...1_000,
            "How many times its unhurried latency it may take before fewer calls are made."),
    ]

    /// How fast it is called, and how soon again after failures.
    private static let pacing: [Setting<BackendEntry>] = [
        .optional(
            "requests_per_minute", \.configuration.requestsPerMinute, 1...1_000_000_000,
            "Calls per minute at most: of each worker, or of all when cluster_concurrency is set."),
        .optional(
            "tokens_per_minute", \.configuration.tokensPerMinute, 1...1_000_000_000_000,
            "Tokens per minute at most, by the usage in its answers."),
        .integer(
            "breaker_failures", \.configuration.breakerFailures, 1...10_000,
            "Failed calls in a row after which it is left alone for a while."),
        .duration(
            "breaker_pause_max", \.configuration.breakerPauseMax,
            "Longest time it is left alone before one call tries it again."),
        .number("retry_ratio", \.configuration.retryRatio, 0...10, "Repeated calls per success."),
        .integer(
            "retries_per_second_min", \.configuration.retriesPerSecondMin, 1...10_000,
            "Repeated calls per second that need no success."),
        .duration(
            "outage_patience", \.configuration.outagePatience, least: .zero,
            "How long lines wait for it without using up attempts while it answers nothing."),
    ]

    /// What it is asked besides lines.
    private static let probing: [Setting<BackendEntry>] = [
        .text(
            "health_path", \.configuration.healthPath, unit: "path",
            "Asked for its health with GET, such as /health; empty: it is not asked."),
        .duration("health_every", \.configuration.healthEvery, "Time between two questions for its health."),
        .text(
            "metrics_url", \.configuration.metricsURL, unit: "URL",
            "Where it shows vllm:num_requests_waiting, such as http://host:8000/metrics."),
        .flag(
            "yields_to_live", \.configuration.yieldsToLive,
            "Whether calls are held back while requests wait at it; needs metrics_url."),
    ]

    /// The key of the list of model names.
    static let modelsKey = "models"
}
