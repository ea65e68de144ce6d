// SPDX-License-Identifier: Apache-2.0

/// When a delivery is attempted again. (contracts: webhook attempt policy)
package struct DeliverySchedule: Sendable {
    /// Waits after the first, second, … failed attempt.
    package var waits: [Duration]
    /// Each wait is stretched or shortened by up to this fraction, so that receivers are not hit in step.
    package var jitter: Double

    /// 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; jitter 0.2.
    package init(
        waits: [Duration] = [
            .seconds(5), .seconds(300), .seconds(1_800), .seconds(7_200), .seconds(18_000), .seconds(36_000),
            .seconds(50_400), .seconds(72_000), .seconds(86_400),
        ],
        jitter: Double = 0.2
    ) {
        self.waits = waits
        self.jitter = jitter
    }

    /// The wait after `attempts` failed attempts; nil when there are no more.
    ///
    /// A receiver may ask for a later attempt (`Retry-After`), at most for twice the scheduled wait.
    package func wait(
        afterAttempts attempts: Int, asked: Duration?, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard attempts >= 1, attempts <= waits.count else { return nil }
        let scheduled = waits[attempts - 1]
        let jittered = scheduled * Double.random(in: (1 - jitter)...(1 + jitter), using: &generator)
        guard let asked else { return jittered }
        return max(jittered, min(asked, scheduled * 2))
    }
}
