// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
package import Curl

/// How one attempt ended, before anybody decides on the next.
package enum AttemptOutcome: Sendable, Equatable {
    /// The receiver answered 2xx.
    case delivered(status: Int)
    /// The receiver does not want it, ever (410).
    case gone
    /// Anything else: worth another attempt, not before `retryAfter`.
    case failed(status: Int?, reason: String, retryAfter: Duration?)
}

/// Posts signed events. Redirects are failures and never followed. (contracts: webhook attempt policy)
package struct WebhookSender: Sendable {
    private let engine: CurlEngine
    private let timeout: Duration
    private let guardsAddress: Bool

    /// Bytes of an answer that are looked at; the rest is never read.
    private static let answerBytesMax = 64 << 10

    /// A sender.
    ///
    /// - Parameters:
    ///   - timeout: for the whole attempt.
    ///   - guardsAddress: refuses private addresses; off for receivers that the operator configured.
    package init(engine: CurlEngine, timeout: Duration = .seconds(20), guardsAddress: Bool) {
        self.engine = engine
        self.timeout = timeout
        self.guardsAddress = guardsAddress
    }

    /// Sends one attempt.
    ///
    /// - Parameter now: Unix seconds, signed and sent; receivers refuse a stale one.
    package func send(
        _ event: WebhookEvent, to url: String, secret: WebhookSecret?, now: Int64
    ) async -> AttemptOutcome {
        let body = event.body
        var headers: [(String, String)] = [
            ("Content-Type", "application/json"), ("webhook-id", event.id.rawValue),
            ("webhook-timestamp", String(now)),
        ]
        if let secret {
            headers.append(
                ("webhook-signature", secret.signature(id: event.id.rawValue, timestamp: now, body: body)))
        }
        let request = HTTPRequest(
            method: "POST", url: url, headers: HTTPHeaders(headers), body: SharedBytes(body),
            timeouts: Timeouts(connect: .seconds(10), firstByte: timeout, idle: timeout, total: timeout),
            responseBytesMax: Self.answerBytesMax, guardsAddress: guardsAddress)
        do {
            let response = try await engine.perform(request)
            return Self.outcome(status: response.status, retryAfter: response.retryAfter, now: now)
        } catch {
            return .failed(status: nil, reason: error.message, retryAfter: nil)
        }
    }

    /// What an answer's status means.
    static func outcome(status: Int, retryAfter: RetryAfter?, now: Int64) -> AttemptOutcome {
        switch status {
        case 200..<300: .delivered(status: status)
        case 410: .gone
        case 429, 502, 503, 504:
            .failed(
                status: status, reason: "the receiver answered \(status)",
                retryAfter: retryAfter.map { duration($0, now: now) })
        default: .failed(status: status, reason: "the receiver answered \(status)", retryAfter: nil)
        }
    }

    private static func duration(_ retryAfter: RetryAfter, now: Int64) -> Duration {
        switch retryAfter {
        case .seconds(let seconds): .seconds(min(max(seconds, 0), 86_400))
        case .date(let unixSeconds): .seconds(min(max(Int64(unixSeconds) - now, 0), 86_400))
        }
    }
}
