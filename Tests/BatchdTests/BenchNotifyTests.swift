// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import batchd

/// What judges deliveries has to be right about them.
@Suite struct BenchNotifyTests {
    private func replies(seed: UInt64) -> [NoticeReply] {
        var chooser = ReplyChooser(seed: seed)
        return (0..<2_000).map { chooser.next(for: "/\($0 % 3)") }
    }

    @Test func `replies are the same for the same seed, of every kind, and never three refusals in a row`() {
        let all = replies(seed: 5)
        #expect(all == replies(seed: 5) && all != replies(seed: 6))
        #expect(Set(all) == Set(NoticeReply.allCases))
        for path in 0..<3 {
            let mine = stride(from: path, to: all.count, by: 3).map { all[$0] }.filter { $0 != .killsSender }
            for start in 0..<(mine.count - 2) {
                #expect(mine[start..<(start + 3)].contains { $0.takesIt })
            }
        }
    }

    @Test func `the owner of a connection is found by both of its ports`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0 20 4 30
               1: 0100007F:C350 0100007F:1F91 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30
               2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 20 4 30
            """
        #expect(LoopbackPort.inode(of: 50_000, to: 8_080, in: table) == "333")
        #expect(LoopbackPort.inode(of: 50_001, to: 8_080, in: table) == nil)
    }

    @Test func `of a hundred waits the 99th is p99, and only events that were told count`() throws {
        let moments = Dictionary(uniqueKeysWithValues: (1...101).map { ("\($0)", Int64(1_000)) })
        let attempts = Dictionary(uniqueKeysWithValues: (1...100).map { ("\($0)", Int64(1_000 + $0)) })
        let latency = try #require(NotifyLatency(events: moments, attempts: attempts))
        #expect(latency.events == 100 && latency.median == .microseconds(50))
        #expect(latency.ninetyNine == .microseconds(99) && latency.most == .microseconds(100))
        #expect(NotifyLatency(events: moments, attempts: [:]) == nil)
    }

    private func notice(_ id: String, _ path: String, at moment: Int64, body: String = "{}") -> NoticeRequest {
        let head = Array("POST \(path) HTTP/1.1\r\nWebhook-Id: \(id)\r\n\r\n".utf8)
        let request = BackendRequest(
            method: "POST", path: path, caller: "", body: head.count..<(head.count + body.utf8.count))
        return (head + Array(body.utf8)).withUnsafeBytes { bytes in
            NoticeRequest(request, bytes, senderPort: 1, at: moment)
        }
    }

    @Test func `what nobody took is lost, what was taken twice is a duplicate, and bodies are compared`() {
        let log = NoticeLog()
        #expect(log.add(notice("evt_1", "/a", at: 20), .fails) == (true, true))
        #expect(log.add(notice("evt_1", "/a", at: 30), .takes) == (false, true))
        #expect(log.add(notice("evt_1", "/b", at: 31), .takesAndKillsSender) == (false, true))
        #expect(log.add(notice("evt_1", "/b", at: 40), .takes) == (false, true))
        #expect(log.add(notice("evt_2", "/a", at: 50), .killsSender) == (true, true))
        #expect(log.add(notice("evt_2", "/a", at: 60, body: "{ }"), .takes) == (false, false))
        let events = ["evt_1", "evt_2"].map {
            EventMoment(
                id: EventID(rawValue: $0), batch: BatchID(rawValue: "b-\($0)"), type: .batchCompleted,
                at: $0 == "evt_1" ? 10 : 45)
        }
        let figures = NotifyCampaignFigures(
            events, DeliveryTotals(deliveries: [:], attempts: 6), log: log,
            kills: [.init(at: 15, moment: .beforeAttempt), .init(at: 32, moment: .afterAnswer)])
        #expect(figures.lost == 1 && figures.duplicates == 1)
        #expect(figures.killsBetweenCommitAndAttempt == 1)
        #expect(figures.longestWait == .microseconds(10) && figures.longestSilence == .microseconds(10))
        #expect(log.eventsTaken(by: 2) == 1 && log.eventsTaken(by: 1) == 2)
    }
}
