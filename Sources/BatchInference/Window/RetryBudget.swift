// SPDX-License-Identifier: Apache-2.0

/// Keeps repeated calls a small part of all: each success pays for a part of one, and a few per second are free.
///
/// A repeat that cannot be paid for at once waits until it can be, so that repeats spread out by themselves. No clock,
/// no lock.
package struct RetryBudget: Sendable {
    private let ratio: Double
    private let perSecond: Double
    private let stretchMax: Double
    private var balance: Double
    /// Successes per second lately: what future repeats will be paid with.
    private var successRate = 0.0
    private var successes = 0
    private var countedFrom: ContinuousClock.Instant?
    private var paidAt: ContinuousClock.Instant?

    /// `ratio` repeats per success and `perSecond` besides; nothing waits longer than `stretchMax` for it.
    package init(ratio: Double, perSecond: Double, stretchMax: Duration) {
        self.ratio = max(ratio, 0)
        self.perSecond = max(perSecond, 0.01)
        self.stretchMax = stretchMax.seconds
        balance = self.perSecond
    }

    /// A call succeeded.
    package mutating func succeed(at now: ContinuousClock.Instant) {
        pay(at: now)
        balance = min(balance + ratio, balanceMax)
        successes += 1
        let begun = countedFrom ?? now
        countedFrom = begun
        let span = (now - begun).seconds
        guard span >= 1 else { return }
        successRate = (successRate + Double(successes) / span) / 2
        successes = 0
        countedFrom = now
    }

    /// How long a repeat waits that would otherwise wait `base`.
    package mutating func delay(_ base: Duration, at now: ContinuousClock.Instant) -> Duration {
        pay(at: now)
        let income = perSecond + ratio * successRate
        // Beyond the longest wait debts grow no further: a backend that comes back must not find its lines asleep.
        balance = max(balance - 1, -income * stretchMax)
        guard balance < 0 else { return base }
        return max(base, .seconds(-balance / income))
    }

    /// Savings beyond ten seconds' worth are lost, so that a good hour does not pay for a bad minute.
    private var balanceMax: Double { 10 * (perSecond + ratio * successRate) }

    private mutating func pay(at now: ContinuousClock.Instant) {
        if let paidAt, now > paidAt {
            let idle = (now - (countedFrom ?? now)).seconds
            // The rate of successes is old news when none has come for some seconds.
            if idle > 3 {
                successRate = 0
                successes = 0
                countedFrom = now
            }
            balance = min(balance + perSecond * (now - paidAt).seconds, max(balanceMax, balance))
        }
        paidAt = max(paidAt ?? now, now)
    }
}
