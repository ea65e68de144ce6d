// SPDX-License-Identifier: Apache-2.0

/// When a delivery is attempted again. (contracts: webhook attempt policy)
package struct DeliverySchedule: Hashable, Sendable {
    /// Waits after the first, second, … failed attempt.
    package var waits: [Duration]
    /// Whether the last wait repeats for ever; otherwise the attempt after it is the last.
    package var isEndless: Bool
    /// Each wait is stretched or shortened by up to this fraction, so that receivers are not hit in step.
    package var jitter: Double

    /// For webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten attempts within four days.
    package static let webhook = DeliverySchedule(
        waits: [
            .seconds(5), .seconds(300), .seconds(1_800), .seconds(7_200), .seconds(18_000), .seconds(36_000),
            .seconds(50_400), .seconds(72_000), .seconds(86_400),
        ])
    /// For message brokers, which must get everything: up to a minute, for ever.
    package static let sink = DeliverySchedule(
        waits: [.seconds(1), .seconds(5), .seconds(15), .seconds(60)], isEndless: true)

    /// A schedule.
    package init(waits: [Duration], isEndless: Bool = false, jitter: Double = 0.2) {
        self.waits = waits
        self.isEndless = isEndless
        self.jitter = jitter
    }

    /// The wait after `attempts` failed attempts; nil when there are no more.
    ///
    /// A receiver may ask for a later attempt (`Retry-After`), at most for twice the scheduled wait or a minute.
    package func wait(
        afterAttempts attempts: Int, asked: Duration?, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard attempts >= 1, let last = waits.last, attempts <= waits.count || isEndless else { return nil }
        let scheduled = attempts <= waits.count ? waits[attempts - 1] : last
        let jittered = scheduled * Double.random(in: (1 - jitter)...(1 + jitter), using: &generator)
        guard let asked else { return jittered }
        return max(jittered, min(asked, max(scheduled * 2, .seconds(60))))
    }
}
