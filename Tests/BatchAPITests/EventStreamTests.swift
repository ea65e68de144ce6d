// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

@Suite struct `Events as a stream` {
    private static let stream = "Accept: text/event-stream"

    /// An open stream, read up to its first comment or event.
    private func open(
        _ desk: RunningDesk, _ query: String = "", _ headers: [String] = []
    ) async throws -> (connection: RawConnection, head: String) {
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(
            desk.request("GET", "/v1/events?\(query)", headers: [Self.stream] + headers))
        return (connection, try await connection.receive(until: "\r\n\r\n"))
    }

    /// The next block of the stream, without the framing of chunks.
    private func next(_ connection: RawConnection) async throws -> String {
        let text = try await connection.receive(until: "\n\n")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        return lines.filter { !$0.hasSuffix("\r") }.joined(separator: "\n")
    }

    private func id(_ block: String) -> String? {
        block.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    @Test func `begin now, and say so at once`() async throws {
        let desk = try await RunningDesk.start()
        _ = try await desk.published()
        let (connection, head) = try await open(desk)
        #expect(head.hasPrefix("HTTP/1.1 200 "))
        let fields = head.lowercased()
        for field in [
            "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no",
            "transfer-encoding: chunked", "x-request-id: req_",
        ] { #expect(fields.contains(field), "\(field)") }
        #expect(try await next(connection) == ": keep-alive")
        for _ in 0..<2 {
            let event = try await desk.published()
            let block = try await next(connection)
            let lines = block.split(separator: "\n").map(String.init)
            #expect(lines.count == 3 && lines[0] == "id: \(event)" && lines[1] == "event: batch.failed")
            let shown = try await desk.ask("GET", "/v1/events")
            #expect(lines[2].hasPrefix("data: {") && shown.bodyText.contains(lines[2].dropFirst(6)))
        }
        try await desk.stop()
    }

    @Test func `go on where a consumer was`() async throws {
        let desk = try await RunningDesk.start()
        var events: [String] = []
        for _ in 0..<3 { events.append(try await desk.published().rawValue) }
        let resumed = try await open(desk, "after=\(events[1])", ["Last-Event-ID: \(events[0])"]).connection
        #expect(id(try await next(resumed)) == events[1], "the header is what a browser adds to the URL it was given")
        #expect(id(try await next(resumed)) == events[2])
        let after = try await open(desk, "after=\(events[1])").connection
        #expect(id(try await next(after)) == events[2])
        let typed = try await open(desk, "after=\(events[0])&types=batch.completed").connection
        #expect(try await next(typed) == ": keep-alive")
        let event = try await desk.published()
        #expect(id(try await next(resumed)) == event.rawValue)
        #expect(id(try await next(after)) == event.rawValue)
        try await desk.stop()
    }

    @Test func `of more events than one page have them all once`() async throws {
        let desk = try await RunningDesk.start()
        let first = try await desk.published()
        var expected: [String] = []
        for _ in 0..<105 { expected.append(try await desk.ended().event.rawValue) }
        _ = try await desk.store.dispatchEvents(to: StandingReceivers())
        let connection = try await open(desk, "after=\(first)").connection
        var seen: [String] = []
        while seen.count < expected.count { seen.append(id(try await next(connection)) ?? "") }
        #expect(seen == expected)
        try await desk.stop()
    }

    @Test func `are not begun with a cursor that names nothing`() async throws {
        let desk = try await RunningDesk.start { $0.consumersPerProjectMax = 1 }
        let event = try await desk.published()
        for headers in [["Last-Event-ID: evt_nothing"], ["Last-Event-ID: \(event)x"]] {
            let missing = try await desk.send("GET", "/v1/events", headers: headers + [Self.stream])
            #expect(missing.isRefusal(404))
        }
        #expect(try await desk.send("GET", "/v1/events?after=x", headers: [Self.stream]).isRefusal(404))
        #expect(
            try await desk.send("GET", "/v1/events?types=x", headers: [Self.stream]).isRefusal(400, param: "types"))
        for _ in 0..<2 {
            let head = try await desk.send("HEAD", "/v1/events", headers: [Self.stream])
            #expect(head.status == 200 && head["content-type"] == "text/event-stream")
        }
        let connection = try await open(desk).connection
        #expect(try await next(connection) == ": keep-alive", "nobody of those kept the place")
        try await desk.stop()
    }

    @Test(arguments: ["text/html, text/event-stream;q=0.9", "TEXT/EVENT-STREAM", " text/event-stream "])
    func `are asked for by the Accept field`(accept: String) async throws {
        let desk = try await RunningDesk.start()
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("GET", "/v1/events", headers: ["Accept: \(accept)"]))
        #expect(try await connection.receive(until: "\r\n\r\n").lowercased().contains("text/event-stream"))
        #expect(try await desk.send("GET", "/v1/events", headers: ["Accept: */*"]).object["data"] is [Any])
        try await desk.stop()
    }

    @Test func `end with the server, completely`() async throws {
        let desk = try await RunningDesk.start()
        let connection = try await open(desk).connection
        #expect(try await next(connection) == ": keep-alive")
        await desk.beginStop()
        let rest = try await connection.receiveAll()
        #expect(String(decoding: rest, as: UTF8.self).hasSuffix("0\r\n\r\n"))
        try await desk.stop()
    }

    @Test func `whose consumer went away free their place`() async throws {
        let desk = try await RunningDesk.start { $0.consumersPerProjectMax = 1 }
        do {
            let connection = try await open(desk).connection
            #expect(try await next(connection) == ": keep-alive")
            #expect(try await desk.ask("GET", "/v1/events?wait=1").status == 429)
        }
        // The server notices when it writes.
        try await desk.wait(for: 200, "/v1/events?after=now&wait=1") { _ = try await desk.published() }
        try await desk.stop()
    }
}
