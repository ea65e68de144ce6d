// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Curl
import Loops
import Testing

struct RetryPlanTests {
    private let backoff = Backoff(first: .seconds(1), max: .seconds(8))
    private let now = 1_700_000_000

    private func delay(
        _ retryAfter: RetryAfter?, attempt: Int = 1, timeLeft: Duration = .seconds(86_400)
    ) -> Duration? {
        var generator = SystemRandomNumberGenerator()
        return RetryPlan.delay(
            attempt: attempt, retryAfter: retryAfter, backoff: backoff, timeLeft: timeLeft, unixSeconds: now,
            using: &generator)
    }

    @Test func `a wait in seconds is taken at its word up to ten minutes`() {
        #expect(delay(.seconds(0)) == .zero)
        #expect(delay(.seconds(7)) == .seconds(7))
        #expect(delay(.seconds(600)) == .seconds(600))
        #expect(delay(.seconds(601)) == .seconds(600))
        #expect(delay(.seconds(.max)) == .seconds(600))
    }

    @Test func `a date is a wait until then, never a negative one`() {
        #expect(delay(.date(unixSeconds: now + 30)) == .seconds(30))
        #expect(delay(.date(unixSeconds: now - 30)) == .zero)
        #expect(delay(.date(unixSeconds: .min)) == .zero)
        #expect(delay(.date(unixSeconds: .max)) == .seconds(600))
    }

    @Test func `without a wish the wait is the backoff's`() throws {
        for attempt in 1...20 {
            let wait = try #require(delay(nil, attempt: attempt))
            #expect(wait >= .zero && wait <= backoff.ceiling(attempt: attempt))
        }
    }

    @Test func `there is no other attempt behind the end of the window`() {
        #expect(delay(.seconds(60), timeLeft: .seconds(60)) == nil)
        #expect(delay(.seconds(60), timeLeft: .seconds(61)) == .seconds(60))
        #expect(delay(.seconds(0), timeLeft: .zero) == nil)
        #expect(delay(nil, timeLeft: .seconds(-1)) == nil)
    }
}
