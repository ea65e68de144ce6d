// SPDX-License-Identifier: Apache-2.0

internal import Curl

/// How an exchange with a receiver is judged.
extension AttemptReport {
    /// Judges an answer by its status.
    ///
    /// - Parameter now: Unix seconds, to which a `Retry-After` that is a date is related.
    init(_ response: HTTPResponse, latency: Duration, now: Int64) {
        let status = response.status
        let verdict = Self.verdict(status)
        self.init(
            verdict: verdict, status: status, latency: latency,
            answer: Array(response.body.prefix(Self.answerBytesMax)),
            reason: verdict == .delivered ? nil : Self.reason(status),
            retryAfter: verdict == .throttled ? response.retryAfter.map { Self.wait($0, now: now) } : nil)
    }

    /// Judges an exchange without an answer.
    init(_ error: CurlError, latency: Duration) {
        self.init(
            verdict: Self.verdict(error.code), latency: latency, reason: error.message,
            refusedAddress: error.refusedAddress)
    }

    private static func verdict(_ status: Int) -> Verdict {
        switch status {
        case 200..<300: .delivered
        case 410: .gone
        case 429, 502, 503, 504: .throttled
        default: .failed
        }
    }

    private static func verdict(_ code: CurlError.Code) -> Verdict {
        switch code {
        case .cancelled, .shutdown, .queueFull: .interrupted
        case .couldNotResolve, .couldNotConnect, .connectionLost, .timeoutConnect, .timeoutFirstByte, .timeoutIdle,
            .timeoutTotal, .tls, .responseTooLarge, .addressRefused, .protocolError, .badURL, .badRequest,
            .bodyUnreadable, .other:
            .failed
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 300..<400: "the receiver answered \(status), and redirects are not followed: give its final URL"
        case 410: "the receiver answered 410: it wants no more of this"
        default: "the receiver answered \(status)"
        }
    }

    private static func wait(_ retryAfter: RetryAfter, now: Int64) -> Duration {
        let asked: Duration =
            switch retryAfter {
            case .seconds(let seconds): .seconds(seconds)
            case .date(let unixSeconds): .seconds(Int64(unixSeconds).subtractingReportingOverflow(now).partialValue)
            }
        return min(max(asked, .zero), retryAfterMax)
    }
}
