// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchctl

struct ProgressLineTests {
    private let upload = ProgressState(
        label: "uploading a.jsonl", done: 1_242_000_000, total: 2_760_000_000, unit: .bytes, rate: 84_000_000)
    private let run = ProgressState(
        label: "in_progress", done: 4_213, total: 10_000, unit: .lines, failed: 3, rate: 128)

    @Test func `a wide terminal shows everything and a bar`() {
        #expect(
            ProgressLine.terminal(upload, width: 100)
                == "uploading a.jsonl [=============>                ]   45%  1.24 / 2.76 GB  84.0 MB/s  ETA 0:19")
        #expect(
            ProgressLine.terminal(run, width: 200)
                == "in_progress [============>                 ]   42%  4,213 / 10,000 lines  3 failed  "
                + "128 lines/s  ETA 0:46")
    }

    @Test(arguments: [
        (86, "uploading a.jsonl [=========>          ]   45%  1.24 / 2.76 GB  84.0 MB/s  ETA 0:19"),
        (76, "uploading a.jsonl [====>     ]   45%  1.24 / 2.76 GB  84.0 MB/s  ETA 0:19"),
        (75, "uploading a.jsonl   45%  1.24 / 2.76 GB  84.0 MB/s  ETA 0:19"),
        (60, "uploading a.jsonl   45%  1.24 / 2.76 GB  ETA 0:19"),
        (50, "uploading a.jsonl   45%  ETA 0:19"),
        (35, "uploading a.jsonl   45%"),
        (25, "uploading a.jsonl"),
        (12, "uploadin…"),
        (3, ""),
    ])
    func `narrow terminals lose the bar, then the rate, amounts and ETA`(width: Int, text: String) {
        #expect(ProgressLine.terminal(upload, width: width) == text)
    }

    @Test func `no line is ever wider than its terminal`() {
        for width in 0...140 {
            for state in [upload, run] {
                #expect(PlainText.columns(ProgressLine.terminal(state, width: width)) <= max(0, width - 3))
            }
        }
    }

    @Test func `a log gets words instead of columns`() {
        #expect(ProgressLine.plain(upload) == "uploading a.jsonl: 45%, 1.24 of 2.76 GB, 84.0 MB/s, ETA 0:19")
        #expect(
            ProgressLine.plain(run) == "in_progress: 42%, 4,213 of 10,000 lines, 3 failed, 128 lines/s, ETA 0:46")
    }

    @Test func `without a total there is time instead of a bar`() {
        let state = ProgressState(label: "validating", total: 0, unit: .lines, elapsed: 65)
        #expect(ProgressLine.terminal(state, width: 80) == "validating  1:05")
        #expect(ProgressLine.plain(ProgressState(label: "validating", unit: .lines)) == "validating")
        let download = ProgressState(label: "downloading", done: 5_000, unit: .bytes, rate: 1_000, elapsed: 5)
        #expect(ProgressLine.plain(download) == "downloading: 5.00 kB, 1.00 kB/s, 0:05")
    }

    @Test func `amounts of different units both name theirs`() {
        let state = ProgressState(label: "uploading", done: 512_000, total: 2_000_000, unit: .bytes)
        #expect(ProgressLine.plain(state) == "uploading: 25%, 512 kB of 2.00 MB")
    }

    @Test func `a label from elsewhere cannot move the cursor`() {
        let state = ProgressState(label: "a\u{1B}[2Jb\nc", unit: .lines)
        #expect(ProgressLine.plain(state) == "a?[2Jb?c")
    }

    @Test(
        arguments: [
            (0, ">         "), (1, ">         "), (50, "=====>    "), (99, "=========>"), (100, "=========="),
            (200, "=========="),
        ] as [(Int64, String)])
    func `the bar is full only when all is done`(done: Int64, bar: String) {
        #expect(ProgressLine.bar(done, of: 100, columns: 10) == bar)
    }

    @Test func `the time left is unknown without a rate, at the end, and beyond a season`() {
        var state = run
        state.rate = nil
        #expect(state.secondsLeft == nil)
        state.rate = 0
        #expect(state.secondsLeft == nil)
        state.rate = 0.0001
        #expect(state.secondsLeft == nil)
        state.rate = 1
        #expect(state.secondsLeft == 5_787)
        state.done = 10_000
        #expect(state.secondsLeft == nil)
    }
}

struct RateMeterTests {
    @Test func `the rate is of the window only`() {
        var meter = RateMeter(window: 10)
        meter.add(0, at: 0)
        #expect(meter.rate == nil)
        meter.add(100, at: 0.5)
        #expect(meter.rate == nil)
        meter.add(200, at: 2)
        #expect(meter.rate == 100)
        for second in 3...60 { meter.add(200 + Int64(second), at: Double(second)) }
        #expect(meter.rate == 1)
    }

    @Test func `a resumed transfer does not count what was there`() {
        var meter = RateMeter(window: 10)
        meter.add(1_000_000, at: 0)
        meter.add(1_000_020, at: 2)
        #expect(meter.rate == 10)
    }

    @Test func `going back starts anew`() {
        var meter = RateMeter(window: 10)
        meter.add(0, at: 0)
        meter.add(1_000, at: 5)
        meter.add(0, at: 6)
        #expect(meter.rate == nil)
        meter.add(30, at: 8)
        #expect(meter.rate == 15)
    }
}
