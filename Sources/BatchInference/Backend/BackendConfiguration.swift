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
    /// Calls that this worker has in flight to it at most, 1…1,000. Default 64.
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

    /// A backend; everything but name, place and models has a default.
    package init(
        name: String, baseURL: String, apiKey: String? = nil, models: [ModelPattern], concurrency: Int = 64,
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

    /// What is wrong with it, one sentence each; empty when it can be used.
    package func validate() -> [String] {
        var problems: [String] = []
        func require(_ condition: Bool, _ problem: String) {
            if !condition { problems.append("backend \(name.isEmpty ? "(no name)" : name): \(problem)") }
        }
        require(!name.isEmpty, "name is empty")
        require(
            BackendURL(base: baseURL) != nil,
            "base URL must be http://host… or https://host… without query, fragment or blanks")
        require(!models.isEmpty, "models is empty: name at least one, or *")
        require((1...1_000).contains(concurrency), "concurrency must be 1…1000, is \(concurrency)")
        require((1...100).contains(attemptsMax), "attempts must be 1…100, is \(attemptsMax)")
        require(responseBytesMax >= 1_024, "response bytes must be at least 1024, is \(responseBytesMax)")
        for (what, value) in [
            ("connect timeout", connectTimeout), ("first byte timeout", firstByteTimeout),
            ("idle timeout", idleTimeout), ("total timeout", totalTimeout), ("first backoff", backoffFirst),
        ] {
            require(value > .zero, "\(what) must be positive")
        }
        require(backoffMax >= backoffFirst, "largest backoff must not be below the first")
        let keyIsPlain = (apiKey ?? "").utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        require(keyIsPlain, "API key must be printable ASCII without blanks")
        return problems
    }
}
