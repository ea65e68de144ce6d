// SPDX-License-Identifier: Apache-2.0
internal import Curl

/// How often and for how long a call is repeated before its failure is reported.
package struct Patience: Hashable, Sendable {
    /// Attempts in all, the first included. ≥ 1. Default 5.
    package var attemptsMax: Int
    /// No attempt starts later than this after the first one; a `Retry-After` beyond it is reported at once.
    /// Default 120 s.
    package var totalMax: Duration
    /// Wait before the first repetition where the server names none; doubles with each. Default 0.5 s.
    package var backoffFirst: Duration
    /// Longest wait of our own choosing. Default 8 s.
    package var backoffMax: Duration

    /// Patience; every value has a default.
    package init(
        attemptsMax: Int = 5, totalMax: Duration = .seconds(120), backoffFirst: Duration = .milliseconds(500),
        backoffMax: Duration = .seconds(8)
    ) {
        self.attemptsMax = attemptsMax
        self.totalMax = totalMax
        self.backoffFirst = backoffFirst
        self.backoffMax = backoffMax
    }

    /// The wait before attempt number `attempt` + 1, or nil when there shall be none.
    ///
    /// - Parameters:
    ///   - attempt: how many attempts were made, ≥ 1.
    ///   - elapsed: time since the first attempt began.
    ///   - jitter: 0…1, how much of the random quarter is taken off our own waits.
    func wait(
        after failure: Failure, _ repeatability: Repeatability, attempt: Int, elapsed: Duration, jitter: Double
    ) -> Duration? {
        guard attempt < attemptsMax, failure.mayBeRepeated(repeatability) else { return nil }
        let wait = failure.wish ?? backoff(attempt: attempt, jitter: jitter)
        return elapsed + wait <= totalMax ? wait : nil
    }

    private func backoff(attempt: Int, jitter: Double) -> Duration {
        let doubled = backoffFirst * (1 << min(attempt - 1, 20))
        return min(doubled, backoffMax) * (1 - 0.25 * jitter)
    }
}

/// Whether a call may be sent again when nobody knows what became of it.
enum Repeatability: Hashable, Sendable {
    /// Doing it twice is the same as doing it once.
    case harmless
    /// Doing it twice leaves two things: repeat only when the server cannot have done it.
    case onlyIfNotDone
}

/// One attempt that did not succeed.
enum Failure: Sendable {
    /// The server answered with a status of 400 or more.
    case answered(status: Int, shouldRetry: Bool?, wish: Duration?)
    /// No answer. `isWhole` says whether the whole request may have reached the server.
    case broke(CurlError, isWhole: Bool)

    /// Reads the failure out of an answer's head; `now` (Unix seconds) is what a date in `Retry-After` counts from.
    init(status: Int, headers: HTTPHeaders, now: Int) {
        let flag: Bool? =
            switch headers.first("x-should-retry") {
            case "true": true
            case "false": false
            default: nil
            }
        self = .answered(status: status, shouldRetry: flag, wish: Self.wish(headers, now: now))
    }

    /// How long the server asks to wait (`retry-after-ms`, then `Retry-After`); nil where it does not.
    var wish: Duration? {
        switch self {
        case .answered(_, _, let wish): wish
        case .broke: nil
        }
    }

    /// Whether another attempt makes sense and does no harm. (contracts: OpenAI timeouts, retries, idempotency)
    func mayBeRepeated(_ repeatability: Repeatability) -> Bool {
        switch self {
        case .answered(_, .some(let shouldRetry), _):
            shouldRetry
        case .answered(408, nil, _), .answered(429, nil, _), .answered(503, nil, _):
            true
        case .answered(let status, nil, _):
            status >= 500 && status != 501 && status != 505 && status != 507 && repeatability == .harmless
        case .broke(let error, let isWhole):
            switch error.code {
            case .couldNotConnect, .couldNotResolve, .timeoutConnect, .tls: false
            default: error.isRetryable && (repeatability == .harmless || !isWhole)
            }
        }
    }

    private static func wish(_ headers: HTTPHeaders, now: Int) -> Duration? {
        if let text = headers.first("retry-after-ms"), let milliseconds = Double(text), (0...1e9).contains(milliseconds)
        {
            return .milliseconds(milliseconds)
        }
        switch headers.first("Retry-After").flatMap(RetryAfter.init(parsing:)) {
        case nil: return nil
        case .seconds(let seconds): return .seconds(min(seconds, 1_000_000))
        case .date(let moment): return .seconds(min(max(moment - now, 0), 1_000_000))
        }
    }
}
