// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Curl
import Testing

struct RetryPlanTests {
    private let now = 1_700_000_000

    private func wait(_ retryAfter: RetryAfter) -> Duration { RetryPlan.wait(retryAfter, unixSeconds: now) }

    @Test func `a wait in seconds is taken at its word up to ten minutes`() {
        #expect(wait(.seconds(0)) == .zero)
        #expect(wait(.seconds(7)) == .seconds(7))
        #expect(wait(.seconds(600)) == .seconds(600))
        #expect(wait(.seconds(601)) == .seconds(600))
        #expect(wait(.seconds(.max)) == .seconds(600))
    }

    @Test func `a date is a wait until then, never a negative one`() {
        #expect(wait(.date(unixSeconds: now + 30)) == .seconds(30))
        #expect(wait(.date(unixSeconds: now - 30)) == .zero)
        #expect(wait(.date(unixSeconds: .min)) == .zero)
        #expect(wait(.date(unixSeconds: .max)) == .seconds(600))
    }
}
