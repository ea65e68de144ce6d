// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Testing

struct RateGovernorTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test(arguments: [1, 7, 60, 600, 90_000]) func `no minute gets more than the rate, and each gets nearly as much`(
        perMinute: Int
    ) {
        var governor = RateGovernor(perMinute: perMinute)
        var times: [Double] = []
        var now = 0.0
        while now < 200 {
            if governor.available(at: at(now)) >= 1 {
                governor.take(1)
                times.append(now)
            } else if let opening = governor.opensAt(1, at: at(now)) {
                now = max((opening - start) / .seconds(1), now + 1e-6)
            }
        }
        // The call that is `perMinute` places later comes a minute later at the earliest.
        let isWithin = zip(times, times.dropFirst(perMinute)).allSatisfy { $1 - $0 >= 60 }
        #expect(isWithin)
        #expect(Double(times.count) >= Double(perMinute) * 3 * 0.96)
    }

    @Test func `a debt is waited for`() throws {
        var governor = RateGovernor(perMinute: 6_000)
        #expect(governor.available(at: start) == 100)
        governor.take(1_100)
        #expect(governor.available(at: start) == 0)
        let found = governor.opensAt(1, at: start)
        let opening = try #require(found)
        #expect(opening > at(10) && opening < at(10.5))
        #expect(governor.available(at: at(10.5)) > 0)
    }

    @Test func `a share is a part of the rate, and none is none`() throws {
        var governor = RateGovernor(perMinute: 6_000)
        governor.limit(to: 0.5, at: start)
        #expect(governor.available(at: start) == 50)
        governor.take(50)
        let found = governor.opensAt(50, at: start)
        let opening = try #require(found)
        #expect(opening > at(0.9) && opening < at(1.2))
        governor.limit(to: 0, at: start)
        governor.take(1)
        #expect(governor.available(at: at(1_000)) <= 1)
    }
}
