// SPDX-License-Identifier: Apache-2.0
import Curl
package import Loops

/// A backend in use: its configuration, prepared once for every call, and how many calls are in flight to it.
package final class Backend: Sendable {
    /// As the operator described it.
    package let configuration: BackendConfiguration
    /// Bounds the calls in flight to it.
    package let gate: ConcurrencyGate
    /// Waits between attempts when the backend does not say how long.
    package let backoff: Backoff
    /// Authorization, content type, user agent.
    let headers: PreparedHeaders
    private let url: BackendURL

    /// Prepares a backend.
    ///
    /// - Throws: ``InvalidBackend`` with what `validate()` found.
    init(_ configuration: BackendConfiguration, userAgent: String) throws {
        let problems = configuration.validate()
        guard problems.isEmpty, let url = BackendURL(base: configuration.baseURL) else {
            throw InvalidBackend(problems: problems)
        }
        var fields = [
            ("Content-Type", "application/json"), ("Accept", "application/json"), ("User-Agent", userAgent),
        ]
        if let key = configuration.apiKey { fields.append(("Authorization", "Bearer \(key)")) }
        self.configuration = configuration
        self.gate = ConcurrencyGate(limit: configuration.concurrency)
        self.backoff = Backoff(first: configuration.backoffFirst, max: configuration.backoffMax)
        self.headers = try PreparedHeaders(HTTPHeaders(fields))
        self.url = url
    }

    /// Where lines of `endpoint` are sent.
    func url(for endpoint: String) -> String { url.joined(with: endpoint) }
}

/// A backend's configuration cannot be used.
package struct InvalidBackend: Error, CustomStringConvertible {
    /// One sentence each.
    package let problems: [String]

    /// The sentences in one line.
    package var description: String { problems.joined(separator: "; ") }
}
