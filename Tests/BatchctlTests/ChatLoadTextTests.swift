// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Testing

@testable import batchctl

@Suite struct `The summary of a load` {
    private let plan = ChatPlan(base: "http://x/api/v3", apiKey: nil, callers: 1_000, tasks: 5)

    @Test func `names everything that is not zero`() {
        var figures = ChatTally.Figures()
        figures.answered = 4_000
        figures.failures = [404: 2, 0: 1]
        figures.retries = [429: 30, 0: 4]
        figures.interrupted = 7
        figures.messages = ["HTTP 404: no such\u{1B}model"]
        figures.latencies.add(.milliseconds(100))
        let text = ChatLoadText(plan: plan, figures: figures, duration: .seconds(20)).lines.joined(separator: "\n")
        #expect(text.contains("5,000, of 1,000 callers with 5 each"))
        #expect(text.contains("3 (1 without an answer, 2 HTTP 404)"))
        #expect(text.contains("34 (4 without an answer, 30 HTTP 429)"))
        #expect(text.contains(/given up +7\n/) && text.contains(/not sent +990\n/))
        #expect(text.contains(/answers\/s +200.00\n/) && text.contains("median 0.10 s"))
        #expect(!text.contains("\u{1B}"))
    }

    @Test func `is short when all went well`() {
        var figures = ChatTally.Figures()
        figures.answered = 5_000
        let lines = ChatLoadText(plan: plan, figures: figures, duration: .seconds(61)).lines
        #expect(lines.count == 5)
        #expect(!lines.joined().contains("sent again") && lines.joined().contains("1 min 1 s"))
    }
}
