// SPDX-License-Identifier: Apache-2.0
import Loops
import Testing

struct BackoffTests {
    private let backoff = Backoff(first: .milliseconds(100), max: .seconds(5))

    @Test func `the ceiling doubles with each failure and stops at the maximum`() {
        #expect(backoff.ceiling(attempt: 1) == .milliseconds(100))
        #expect(backoff.ceiling(attempt: 2) == .milliseconds(200))
        #expect(backoff.ceiling(attempt: 6) == .milliseconds(3_200))
        #expect(backoff.ceiling(attempt: 7) == .seconds(5))
        #expect(backoff.ceiling(attempt: .max) == .seconds(5))
    }

    @Test func `an attempt before the first counts as the first`() {
        #expect(backoff.ceiling(attempt: 0) == .milliseconds(100))
        #expect(backoff.ceiling(attempt: -3) == .milliseconds(100))
    }

    @Test(arguments: [1, 3, 7, 40]) func `a delay lies between zero and the ceiling`(attempt: Int) {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let delay = backoff.delay(attempt: attempt, using: &generator)
            #expect(delay >= .zero && delay <= backoff.ceiling(attempt: attempt))
        }
    }

    @Test func `jitter uses the whole range`() {
        let delays = (0..<500).map { _ in backoff.delay(attempt: 3) }
        #expect(delays.contains { $0 < .milliseconds(100) })
        #expect(delays.contains { $0 > .milliseconds(300) })
    }
}

struct FailureStreakTests {
    @Test func `only the first failure and a new reason are news`() {
        var streak = FailureStreak()
        let news = ["refused", "refused", "timeout"].map { streak.fail(reason: $0) }
        #expect(news == [true, false, true])
        #expect(streak.count == 3)
        let lengths = [streak.succeed(), streak.succeed()]
        #expect(lengths == [3, 0])
        let isNewsAgain = streak.fail(reason: "timeout")
        #expect(isNewsAgain)
    }
}
