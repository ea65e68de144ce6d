// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchClient

@Suite struct `A breaker` {
    private let start = ContinuousClock.now

    @Test func `lets everybody pass until it is closed, then nobody`() {
        let breaker = ChatBreaker()
        #expect(breaker.wait(now: start) == nil)
        breaker.close(for: .seconds(3), now: start)
        #expect(breaker.wait(now: start) == .seconds(3))
        #expect(breaker.wait(now: start + .seconds(2)) == .seconds(1))
        // A shorter pause than the one under way changes nothing.
        breaker.close(for: .seconds(1), now: start)
        #expect(breaker.wait(now: start + .seconds(2)) == .seconds(1))
    }

    @Test func `opens little by little, and wholly after ten seconds`() {
        let breaker = ChatBreaker()
        breaker.close(for: .seconds(1), now: start)
        func passed(at seconds: Double) -> Int {
            var count = 0
            while count < 5_000, breaker.wait(now: start + .seconds(1 + seconds)) == nil { count += 1 }
            return count
        }
        #expect(passed(at: 0.001) == 1)
        #expect(passed(at: 0.5) == 0)
        #expect(passed(at: 1.001) == 1)
        #expect(passed(at: 3.001) == 6)
        #expect(passed(at: 9.001) == 504)
        #expect(passed(at: 10.001) == 5_000)
    }
}

@Suite struct `A histogram of latencies` {
    @Test func `is exact for the shortest and within two percent for all`() {
        for microseconds in [0, 1, 63, 64, 127, 128, 129, 255, 256, 1_000, 12_345, 999_999, 3_600_000_000] {
            var histogram = LatencyHistogram()
            histogram.add(.microseconds(microseconds))
            histogram.add(.seconds(100_000))
            let found = Int(histogram.quantile(0.5) / .microseconds(1))
            #expect(found >= microseconds && Double(found) <= Double(microseconds) * 1.02, "\(microseconds): \(found)")
        }
    }

    @Test func `tells what share stays below`() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == .zero)
        for number in 1...100 { histogram.add(.microseconds(number)) }
        #expect(histogram.count == 100 && histogram.longest == .microseconds(100))
        #expect(histogram.quantile(0.5) == .microseconds(50) && histogram.quantile(0.99) == .microseconds(99))
        #expect(histogram.quantile(1) == .microseconds(100) && histogram.quantile(0) == .microseconds(1))
    }
}
