// SPDX-License-Identifier: Apache-2.0

/// One inference backend as the operator describes it.
package struct BackendConfiguration: Hashable, Sendable {
    /// What logs call it; unique.
    package var name: String
    /// Where it is, such as `http://host:8000/v1`; the version at the end is optional.
    package var baseURL: String
    /// Sent as `Authorization: Bearer …`; nil sends no such field. Never logged.
    package var apiKey: String?
    /// What it serves; at least one.
    package var models: [ModelPattern]
    /// Calls that this worker has in flight to it at most, 1…20,000. Default 256.
    package var concurrency: Int
    /// Name resolution, connection and TLS handshake. Default 10 s.
    package var connectTimeout: Duration
    /// From the request sent to the first byte of the answer: for models this is the time they think. Default 600 s.
    package var firstByteTimeout: Duration
    /// Longest silence once the answer has begun. Default 120 s.
    package var idleTimeout: Duration
    /// The whole call, at most what is left of the batch's window. Default 600 s.
    package var totalTimeout: Duration
    /// Calls made for one line before its last failure is recorded, 1…100. Default 5.
    package var attemptsMax: Int
    /// Longest wait after the first failed attempt; doubles with each further one. Default 0.5 s.
    package var backoffFirst: Duration
    /// Longest wait after any failed attempt, unless the backend asks for more. Default 30 s.
    package var backoffMax: Duration
    /// Most bytes of an answer; a longer one fails its line without another attempt. Default 32 MiB.
    package var responseBytesMax: Int

    /// Its part of the lines among backends with the same pattern, relative to their weights, 1…1,000.
    package var weight = 1
    /// Calls that all workers together have in flight to it at most, 1…1,000,000; nil: no such cap. The rates per
    /// minute below then hold for all workers together too.
    package var clusterConcurrency: Int?
    /// Calls in flight before anything is known of it, at least 1; at most `concurrency` counts.
    package var windowStart = 64
    /// Fewest calls in flight whatever it says, at least 1; at most `concurrency` counts.
    package var windowFloor = 1
    /// How many times its unhurried latency it may take before fewer calls are in flight, 1.1…1,000.
    package var latencyTolerance = 2.0
    /// Calls per minute at most; nil: no such limit. Without `clusterConcurrency` each worker may make so many.
    package var requestsPerMinute: Int?
    /// Tokens per minute at most, by the usage its answers state; nil: no such limit.
    package var tokensPerMinute: Int?
    /// Failed calls in a row after which it is left alone for a while, 1…10,000.
    package var breakerFailures = 10
    /// Longest time it is left alone before one call tries it again.
    package var breakerPauseMax = Duration.seconds(30)
    /// Repeated calls per success, 0…10.
    package var retryRatio = 0.2
    /// Repeated calls per second that need no success, 1…10,000.
    package var retriesPerSecondMin = 10
    /// Path asked for its health with GET, such as `/health`; 2xx is healthy. Empty: it is not asked.
    package var healthPath = ""
    /// Time between two questions for its health.
    package var healthEvery = Duration.seconds(5)
    /// Where it shows `vllm:num_requests_waiting` in the Prometheus format, such as `http://host:8000/metrics`.
    package var metricsURL = ""
    /// Whether calls are held back while requests wait at it; needs `metricsURL`.
    package var yieldsToLive = false
    /// How long lines wait for it without using up attempts while it answers no call at all.
    package var outagePatience = Duration.seconds(86_400)
    /// Header fields that every call carries besides our own, values by name.
    package var headers: [String: String] = [:]

    /// A backend; everything but name, place and models has a default.
    package init(
        name: String, baseURL: String, apiKey: String? = nil, models: [ModelPattern], concurrency: Int = 256,
        connectTimeout: Duration = .seconds(10), firstByteTimeout: Duration = .seconds(600),
        idleTimeout: Duration = .seconds(120), totalTimeout: Duration = .seconds(600), attemptsMax: Int = 5,
        backoffFirst: Duration = .milliseconds(500), backoffMax: Duration = .seconds(30),
        responseBytesMax: Int = 32 << 20
    ) {
        self.name = name
        self.baseURL = baseURL
        self.apiKey = apiKey
        self.models = models
        self.concurrency = concurrency
        self.connectTimeout = connectTimeout
        self.firstByteTimeout = firstByteTimeout
        self.idleTimeout = idleTimeout
        self.totalTimeout = totalTimeout
        self.attemptsMax = attemptsMax
        self.backoffFirst = backoffFirst
        self.backoffMax = backoffMax
        self.responseBytesMax = responseBytesMax
    }
}
