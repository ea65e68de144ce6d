// SPDX-License-Identifier: Apache-2.0
package import Curl
package import Loops

/// When a line is tried again.
package enum RetryPlan {
    /// Longest wait a backend may ask for; more is cut to this.
    package static let retryAfterMax: Duration = .seconds(600)

    /// The wait before the next attempt; nil when it would begin after the window.
    ///
    /// - Parameters:
    ///   - attempt: Attempts that have failed, the first is 1.
    ///   - retryAfter: What the backend asked for; taken at its word from zero to ``retryAfterMax``.
    ///   - backoff: Used when it asked for nothing.
    ///   - timeLeft: Until the window ends.
    ///   - unixSeconds: The present wall clock, to read dates with.
    package static func delay(
        attempt: Int, retryAfter: RetryAfter?, backoff: Backoff, timeLeft: Duration, unixSeconds: Int,
        using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        let delay =
            switch retryAfter {
            case .seconds(let seconds): clamped(seconds)
            case .date(let moment):
                clamped(moment.subtractingReportingOverflow(unixSeconds).overflow ? 0 : moment - unixSeconds)
            case nil: backoff.delay(attempt: attempt, using: &generator)
            }
        return delay < timeLeft ? delay : nil
    }

    private static func clamped(_ seconds: Int) -> Duration {
        // Clamped as an integer first: a Duration of Int.max seconds would overflow.
        .seconds(min(max(seconds, 0), Int(retryAfterMax.components.seconds)))
    }
}
