// SPDX-License-Identifier: Apache-2.0

/// How long to wait between tries that fail: exponential with full jitter, bounded.
///
/// Full jitter draws from the whole range, so that many clients of one broken service do not return in step.
package struct Backoff: Hashable, Sendable {
    /// Longest wait after the first failure.
    package var first: Duration
    /// Longest wait after any failure.
    package var max: Duration

    /// Doubles from `first` up to `max`; both positive.
    package init(first: Duration, max: Duration) {
        self.first = first
        self.max = max
    }

    /// The longest wait after `attempt` failures in a row (1 = the first): `first` × 2^(attempt − 1), at most `max`.
    package func ceiling(attempt: Int) -> Duration {
        // Thirty doublings of a millisecond are twelve days: beyond that only `max` counts.
        let doublings = Swift.min(Swift.max(attempt - 1, 0), 30)
        return Swift.min(first * (1 << doublings), max)
    }

    /// A wait drawn evenly from zero to ``ceiling(attempt:)``.
    package func delay(attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        ceiling(attempt: attempt) * Double.random(in: 0...1, using: &generator)
    }

    /// As ``delay(attempt:using:)`` with the system's generator.
    package func delay(attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(attempt: attempt, using: &generator)
    }
}
