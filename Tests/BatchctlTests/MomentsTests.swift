// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchctl

struct MomentsTests {
    /// 2026-11-21 03:02:11 UTC.
    private let now: Int64 = 1_795_230_131

    private func instant(_ text: String, offset: Int64 = 0) -> Int64? {
        Moments.instant(text, now: now) { _ in offset }
    }

    @Test func `spans go back from now`() {
        #expect(instant("2h") == now - 7_200)
        #expect(instant("90s") == now - 90)
        #expect(instant("15m") == now - 900 && instant("15min") == now - 900)
        #expect(instant("1d12h") == now - 129_600)
        #expect(instant("1w") == now - 604_800)
        #expect(instant("2h ago") == now - 7_200)
        #expect(instant("0s") == now && instant("now") == now)
    }

    @Test func `dates are read as they are written elsewhere, in local time unless they name a zone`() {
        #expect(Timestamps.text(now, offset: 0) == "2026-11-21 03:02:11")
        #expect(instant("2026-11-21 03:02:11") == now)
        #expect(instant("2026-11-21 04:02:11", offset: 3_600) == now)
        #expect(instant("2026-11-21T03:02") == now - 11)
        #expect(instant("2026-11-21", offset: -3_600) == now - 10_931 + 3_600)
        for text in ["2026-11-21T03:02:11Z", "2026-11-21t04:02:11+01:00", "2026-11-20 22:32:11-0430"] {
            #expect(instant(text, offset: 7_200) == now, "\(text)")
        }
        #expect(instant("1795230131", offset: 9) == now)
        #expect(instant("1970-01-01") == 0)
        #expect(instant("2024-02-29") == 1_709_164_800)
    }

    @Test func `near a change of the clock the distance at the instant itself counts`() {
        // The clock goes from +2 h to +1 h at this instant.
        let change: Int64 = 1_792_893_600
        let offset = { (instant: Int64) -> Int64 in instant < change ? 7_200 : 3_600 }
        let after = change + 1_800
        let text = Timestamps.text(after + 7_200, offset: offset(after + 7_200))
        #expect(Moments.instant(text, now: now, offset: offset) == after + 7_200)
        let before = change - 7_200
        #expect(Moments.instant(Timestamps.text(before, offset: 7_200), now: now, offset: offset) == before)
    }

    @Test(arguments: [
        "", "h", "2", "2x", "-2h", "2h3", "123456h", "2026", "2026-13-01", "2026-02-29", "2026-11-31", "2026-1-1",
        "2026-11-21T", "2026-11-21T3:02", "2026-11-21T24:00", "2026-11-21 03:60", "2026-11-21X03:02",
        "2026-11-21 03:02:60", "2026-11-21 03:02:11 Z", "2026-11-21T03:02+1", "2026-11-21T03:02+25:00", "yesterday",
        "1969-12-31", "9999999999999999999999", "２h", "99999w99999w",
    ])
    func `what is no time is none`(text: String) {
        #expect(instant(text) == nil)
    }

    @Test func `every day of four centuries is found again`() {
        for day in stride(from: Int64(0), to: 146_097, by: 13) {
            let text = Timestamps.text(day * 86_400, offset: 0).prefix(10)
            #expect(instant(String(text)) == day * 86_400, "\(text)")
        }
    }
}
