// SPDX-License-Identifier: Apache-2.0
package import Curl

/// When a line is tried again.
package enum RetryPlan {
    /// Longest wait a backend may ask for; more is cut to this.
    package static let retryAfterMax: Duration = .seconds(600)

    /// What the backend asked for, from zero to ``retryAfterMax``.
    ///
    /// - Parameter unixSeconds: The present wall clock, to read dates with.
    package static func wait(_ retryAfter: RetryAfter, unixSeconds: Int) -> Duration {
        switch retryAfter {
        case .seconds(let seconds): clamped(seconds)
        case .date(let moment):
            clamped(moment.subtractingReportingOverflow(unixSeconds).overflow ? 0 : moment - unixSeconds)
        }
    }

    private static func clamped(_ seconds: Int) -> Duration {
        // Clamped as an integer first: a Duration of Int.max seconds would overflow.
        .seconds(min(max(seconds, 0), Int(retryAfterMax.components.seconds)))
    }
}
