// SPDX-License-Identifier: Apache-2.0

/// An unbroken run of failures of one thing: decides what is worth a log line, so that an outage is not a flood.
package struct FailureStreak: Sendable {
    /// How many failures in a row; 0 when the last try succeeded.
    package private(set) var count = 0
    private var lastReason = ""

    /// No failure yet.
    package init() {}

    /// Counts a failure; true when it is the first of the streak or its reason differs from the one before.
    package mutating func fail(reason: String) -> Bool {
        let isNews = count == 0 || reason != lastReason
        count += 1
        lastReason = reason
        return isNews
    }

    /// Ends the streak; returns how long it was (0 when there was none).
    package mutating func succeed() -> Int {
        defer {
            count = 0
            lastReason = ""
        }
        return count
    }
}
