// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import batchd

@Suite struct BenchBackendTests {
    private func reading(_ text: String) -> BackendRequest.Reading {
        Array(text.utf8).withUnsafeBytes { BackendRequest.read($0) }
    }

    @Test(arguments: [
        LineMarker(tag: 0, number: 0), LineMarker(tag: 0xDEAD_BEEF, number: 99_999_999), LineMarker(tag: 42, number: 7),
    ])
    func `a marker is found again in whatever stands around it`(marker: LineMarker) {
        var bytes = Array("[[0000002a-0000000]] [[ ".utf8)
        marker.append(to: &bytes)
        bytes += Array(" tail".utf8)
        #expect(bytes.withUnsafeBytes { LineMarker.find(in: $0) } == marker)
        #expect(Array("[[0000002a-0000000x]]".utf8).withUnsafeBytes { LineMarker.find(in: $0) } == nil)
    }

    @Test func `an answer has its size and its line's marker`() {
        let marker = LineMarker(tag: 3, number: 12)
        let body = BackendAnswer.body(marker)
        #expect(body.count == BackendAnswer.byteCount)
        #expect(body.withUnsafeBytes { LineMarker.find(in: $0) } == marker)
        #expect(body != BackendAnswer.body(LineMarker(tag: 3, number: 13)))
    }

    @Test func `a request is read when it is whole, and only up to its end`() {
        let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAUTHORIZATION: Bearer worker-1.2\r\n"
        let whole = head + "Content-Length: 5\r\n\r\nhello"
        guard case .whole(let request) = reading(whole + "GET /stats HTTP/1.1\r\n\r\n") else {
            Issue.record("not read")
            return
        }
        #expect(request.method == "POST" && request.path == "/v1/chat/completions" && request.caller == "worker-1.2")
        #expect(request.body.count == 5 && request.body.upperBound == whole.utf8.count)
        for cut in 0..<whole.utf8.count {
            #expect(reading(String(decoding: whole.utf8.prefix(cut), as: UTF8.self)) == .incomplete)
        }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func `what it cannot read is refused`(text: String) {
        #expect(reading(text) == .invalid)
    }

    @Test func `what is due comes out in order, and nothing before its time`() {
        var queue = DueQueue()
        var random = SeededNumbers(seed: 9)
        let dues = (0..<1_000).map { _ in Int64(random.index(below: 500)) }
        for due in dues { queue.insert(DueQueue.Entry(due: due, socket: 1, generation: 1)) }
        var seen: [Int64] = []
        while let entry = queue.pop(at: 249) { seen.append(entry.due) }
        #expect(seen == dues.filter { $0 <= 249 }.sorted())
        while let entry = queue.pop(at: .max) { seen.append(entry.due) }
        #expect(seen == dues.sorted() && queue.first == nil)
    }

    @Test func `calls are read back from the log as they were written, also in pieces`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/calls.log"
            let log = try CallLogWriter(path: path)
            func record(_ number: UInt32) -> CallRecord {
                CallRecord(
                    marker: LineMarker(tag: 7, number: number), began: 10, ended: 20, status: 200, caller: "worker-0.1")
            }
            var reader = CallLogReader(path: path)
            log.append(record(1))
            try log.flush()
            #expect(try reader.next() == [record(1)])
            log.append(record(2))
            log.append(record(3))
            try log.flush()
            #expect(try reader.next() == [record(2), record(3)])
            #expect(try reader.next().isEmpty)
        }
    }

    @Test func `latencies are a length of time or a range of them`() throws {
        #expect(try BackendPlan.latency("200ms") == .milliseconds(200) ... .milliseconds(200))
        #expect(try BackendPlan.latency("2s-10s") == .seconds(2) ... .seconds(10))
        #expect(throws: SettingFault.self) { try BackendPlan.latency("10s-2s") }
        #expect(throws: SettingFault.self) { try BackendPlan.latency("fast") }
    }
}
