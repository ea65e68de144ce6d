// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchctl

struct QuantitiesTests {
    @Test(
        arguments: [
            (-5, "0 B"), (0, "0 B"), (1, "1 B"), (999, "999 B"), (1_000, "1.00 kB"), (1_234, "1.23 kB"),
            (9_994, "9.99 kB"), (9_996, "10.0 kB"), (99_940, "99.9 kB"), (99_960, "100 kB"), (999_499, "999 kB"),
            (999_500, "1.00 MB"), (1_005_000, "1.01 MB"), (84_000_000, "84.0 MB"), (1_240_000_000, "1.24 GB"),
            (124_000_000_000, "124 GB"), (Int64.max, "9.22 EB"),
        ] as [(Int64, String)])
    func `sizes have three digits and a decimal unit`(bytes: Int64, text: String) {
        #expect(Quantities.size(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "-1,234"),
        ] as [(Int64, String)])
    func `counts have commas between the thousands`(number: Int64, text: String) {
        #expect(Quantities.count(number) == text)
    }

    @Test func `one is singular, all others plural`() {
        #expect(Quantities.count(0, "line") == "0 lines")
        #expect(Quantities.count(1, "line") == "1 line")
        #expect(Quantities.count(2_000, "entry", "entries") == "2,000 entries")
    }

    @Test(arguments: [
        (0.004, "0 lines/min"), (0.4, "24 lines/min"), (1.0, "1.0 lines/s"), (3.25, "3.3 lines/s"),
        (12.6, "13 lines/s"), (1_234.4, "1,234 lines/s"),
    ])
    func `slow rates are told by the minute`(rate: Double, text: String) {
        #expect(Quantities.lineRate(rate) == text)
    }

    @Test func `rates of bytes are sizes by the second`() {
        #expect(Quantities.byteRate(84_000_000.4) == "84.0 MB/s")
        #expect(Quantities.byteRate(.nan) == "0 B/s")
        #expect(Quantities.byteRate(.infinity) == "0 B/s")
    }

    @Test func `100 percent means all of it`() {
        #expect(Quantities.percent(999_999, of: 1_000_000) == 99)
        #expect(Quantities.percent(1_000_000, of: 1_000_000) == 100)
        #expect(Quantities.percent(2, of: 1) == 100)
        #expect(Quantities.percent(0, of: 0) == nil)
    }
}

struct DurationsTests {
    @Test(
        arguments: [
            (-1, "0:00"), (7, "0:07"), (725, "12:05"), (3_723, "1:02:03"), (86_399, "23:59:59"), (273_600, "3 d 4 h"),
        ] as [(Int64, String)])
    func `a clock counts up to a day`(seconds: Int64, text: String) {
        #expect(Durations.clock(seconds) == text)
    }

    @Test(
        arguments: [
            (-1, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (243, "4 min 3 s"), (7_500, "2 h 5 min"),
            (7_230, "2 h"), (273_600, "3 d 4 h"),
        ] as [(Int64, String)])
    func `words name the two largest units`(seconds: Int64, text: String) {
        #expect(Durations.words(seconds) == text)
    }

    @Test func `instants are told from now`() {
        #expect(Durations.relative(100, now: 343) == "4 min 3 s ago")
        #expect(Durations.relative(343, now: 100) == "in 4 min 3 s")
        #expect(Durations.relative(5, now: 5) == "now")
    }

    @Test(
        arguments: [
            (0, 0, "1970-01-01 00:00:00"), (-1, 0, "1969-12-31 23:59:59"), (951_782_400, 0, "2000-02-29 00:00:00"),
            (1_795_231_931, 28_800, "2026-11-21 11:32:11"), (4_107_542_399, 0, "2100-02-28 23:59:59"),
            (4_107_542_400, 0, "2100-03-01 00:00:00"),
        ] as [(Int64, Int64, String)])
    func `timestamps follow the Gregorian calendar and the offset`(instant: Int64, offset: Int64, text: String) {
        #expect(Timestamps.text(instant, offset: offset) == text)
    }
}
