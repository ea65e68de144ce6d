// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Testing

@testable import batchctl

struct EventTextTests {
    private func event(_ type: String, _ change: (inout WireEvent.Content) -> Void = { _ in }) -> WireEvent {
        var data = WireEvent.Content()
        data.id = "batch_1"
        change(&data)
        return WireEvent(id: "evt_1", createdAt: 1_000, type: type, data: data)
    }

    private func line(_ event: WireEvent, hasColor: Bool = false) -> String {
        EventText.line(event, offset: { _ in 3_600 }, hasColor: hasColor)
    }

    @Test func `an event is a line with time, type, batch and lines`() {
        let completed = event("batch.completed") { data in
            data.requestCounts = RequestCounts(total: 10_000, completed: 9_998, failed: 2)
            data.metadata = ["ds_name": "nightly", "a": "b"]
        }
        #expect(
            line(completed)
                == "1970-01-01 01:16:40  batch.completed  batch_1  10,000: 9,998 succeeded, 2 failed  nightly")
        let expired = event("batch.expired") { $0.requestCounts = RequestCounts(total: 3, completed: 1, failed: 0) }
        #expect(line(expired) == "1970-01-01 01:16:40  batch.expired    batch_1  3: 1 succeeded, 2 not run")
        #expect(line(event("batch.failed")) == "1970-01-01 01:16:40  batch.failed     batch_1")
    }

    @Test func `what others named cannot forge lines, and colours are ours`() {
        let forged = event("batch.failed\n") { data in
            data.status = "failed"
            data.metadata = ["ds_name": "a\u{1B}[2J\nb"]
        }
        #expect(line(forged) == "1970-01-01 01:16:40  batch.failed?    batch_1  a?[2J?b")
        #expect(line(forged, hasColor: true).contains("\u{1B}[31mbatch.failed?\u{1B}[0m    batch_1"))
    }

    @Test func `an event without a batch ends behind its type`() {
        #expect(line(event("x") { $0.id = nil }) == "1970-01-01 01:16:40  x")
    }

    @Test func `a line of JSON has no line breaks inside`() {
        let line = EventText.jsonLine(Array("{\r\n \"a\": \"\\n\"\n}".utf8))
        #expect(String(decoding: line, as: UTF8.self) == "{   \"a\": \"\\n\" }\n")
    }
}

struct SeenEventsTests {
    @Test func `an event is new once, and only the last are remembered`() {
        var seen = SeenEvents(countMax: 2)
        #expect(seen.insert("a") && seen.insert("b"))
        #expect(!seen.insert("a") && !seen.insert("b"))
        #expect(seen.insert("c") && !seen.insert("b") && !seen.insert("c"))
        #expect(seen.insert("a") && seen.insert("b"))
    }
}
