// SPDX-License-Identifier: Apache-2.0

/// Keeps a sum (of calls, of tokens) below a rate per minute. No clock, no lock.
///
/// A bucket that refills evenly and holds about a second's worth, so that no span of a minute gets more than the rate.
/// What is taken may exceed what is there when the true cost is known only afterwards: the debt is waited for.
package struct RateGovernor: Sendable {
    /// Units per minute at full share.
    package let perMinute: Double
    private var level: Double
    private var capacity: Double
    private var perSecond: Double
    private var filledAt: ContinuousClock.Instant?

    /// A governor for `perMinute` units, at least 1.
    package init(perMinute: Int) {
        self.perMinute = Double(max(perMinute, 1))
        (capacity, perSecond) = Self.pace(self.perMinute)
        level = capacity
    }

    /// Allows only this part of the rate (0…1), as one of several processes that share it.
    package mutating func limit(to share: Double, at now: ContinuousClock.Instant) {
        fill(at: now)
        (capacity, perSecond) = Self.pace(perMinute * min(max(share, 0), 1))
        level = min(level, capacity)
    }

    /// Units that may be taken one by one now.
    package mutating func available(at now: ContinuousClock.Instant) -> Double {
        fill(at: now)
        return max(level, 0)
    }

    /// Takes units, whether they are there or not; a negative number gives back.
    package mutating func take(_ units: Double) {
        level = min(level - units, capacity)
    }

    /// When at least `units` will be there; nil when that cannot be said (the share is nothing).
    package mutating func opensAt(_ units: Double, at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        fill(at: now)
        let wanted = min(units, capacity)
        guard level < wanted else { return now }
        guard perSecond > 0 else { return nil }
        // A day is longer than any wait that matters, and far from overflow.
        return now + .seconds(min((wanted - level) / perSecond + 1e-6, 86_400))
    }

    private mutating func fill(at now: ContinuousClock.Instant) {
        if let filledAt, now > filledAt {
            level = min(level + perSecond * (now - filledAt).seconds, capacity)
        }
        filledAt = max(filledAt ?? now, now)
    }

    /// How much a bucket holds and gains in a second: what it holds counts towards the minute that begins with it.
    private static func pace(_ perMinute: Double) -> (capacity: Double, perSecond: Double) {
        let capacity = max(perMinute / 60, 1)
        return (capacity, max((perMinute - (capacity - 1)) / 60, 0))
    }
}
