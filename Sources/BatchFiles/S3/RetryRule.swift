// SPDX-License-Identifier: Apache-2.0

/// How often a failed request to a store is sent again, and after what wait: exponential with full jitter, bounded.
package struct RetryRule: Hashable, Sendable {
    /// Tries in all, ≥ 1.
    package var attemptsMax: Int
    /// Longest wait after the first failure; doubles with each further one.
    package var pauseFirst: Duration
    /// Longest wait after any failure; a store that asks for more is not obeyed further.
    package var pauseMax: Duration

    /// Six tries over about ten seconds by default.
    package init(attemptsMax: Int = 6, pauseFirst: Duration = .milliseconds(400), pauseMax: Duration = .seconds(20)) {
        self.attemptsMax = max(1, attemptsMax)
        self.pauseFirst = pauseFirst
        self.pauseMax = pauseMax
    }

    /// Drawn evenly up to the bound of so many failures in a row (1 = the first), but no less than was asked for.
    func pause(failures: Int, asked: Duration?) -> Duration {
        let bound = min(pauseFirst * (1 << min(max(failures - 1, 0), 20)), pauseMax)
        return max(bound * Double.random(in: 0...1), min(asked ?? .zero, pauseMax))
    }

    /// Tries until it succeeds or no further try helps.
    ///
    /// - Throws: the last ``S3Error``, or `CancellationError`.
    func run<Answer>(_ attempt: () async throws -> Answer) async throws -> Answer {
        var failures = 0
        while true {
            do {
                return try await attempt()
            } catch let error as S3Error {
                try Task.checkCancellation()
                failures += 1
                guard error.isRetryable, failures < attemptsMax else { throw error }
                try await Task.sleep(for: pause(failures: failures, asked: error.retryAfter))
            }
        }
    }
}
