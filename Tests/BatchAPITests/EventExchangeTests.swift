// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

@Suite struct `Events over the wire` {
    /// A request for events, sent; its answer comes when it comes.
    private func begin(_ desk: RunningDesk, _ query: String) async throws -> RawConnection {
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("GET", "/v1/events?\(query)"))
        return connection
    }

    @Test func `are read oldest first, in pages, with a cursor`() async throws {
        let desk = try await RunningDesk.start()
        let none = try await desk.ask("GET", "/v1/events?after=now")
        #expect(
            none.bodyText == #"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#)
        var events: [String] = []
        for _ in 0..<3 { events.append(try await desk.published(#","metadata":{"k":"v"}"#).rawValue) }
        let first = try await desk.ask("GET", "/v1/events?limit=2")
        #expect(first.ids == Array(events[..<2]) && first.object["has_more"] as? Bool == true)
        #expect(first.text("first_id") == events[0] && first.text("last_id") == events[1])
        let event = first.elements[0]
        #expect(Set(event.keys) == ["id", "object", "created_at", "type", "data"])
        #expect(event["object"] as? String == "event" && event["type"] as? String == "batch.failed")
        let data = try #require(event["data"] as? [String: Any])
        #expect(
            Set(data.keys) == [
                "id", "status", "endpoint", "output_file_id", "error_file_id", "request_counts", "metadata",
            ])
        #expect(data["status"] as? String == "failed" && data["metadata"] as? [String: String] == ["k": "v"])
        let rest = try await desk.ask("GET", "/v1/events?after=\(events[1])")
        #expect(rest.ids == [events[2]] && rest.object["has_more"] as? Bool == false)
        let end = try await desk.ask("GET", "/v1/events?after=\(events[2])&wait=1")
        #expect(end.ids.isEmpty && end.text("last_id") == events[2])
        #expect(try await desk.ask("GET", "/v1/events?after=now").text("last_id") == events[2])
        #expect(try await desk.ask("GET", "/v1/events?types=batch.completed").text("last_id") == events[2])
        #expect(try await desk.ask("GET", "/v1/events?types=batch.completed,batch.failed").ids == events)
        try await desk.stop()
    }

    @Test func `are the project's own, and a cursor that names none is not found`() async throws {
        let desk = try await RunningDesk.start()
        let event = try await desk.published()
        let stranger = try await desk.stranger()
        #expect(try await desk.ask("GET", "/v1/events", key: stranger).ids.isEmpty)
        #expect(try await desk.ask("GET", "/v1/events?after=\(event)", key: stranger).isRefusal(404))
        #expect(try await desk.ask("GET", "/v1/events?after=evt_nothing&wait=30").isRefusal(404))
        let waiting = try await desk.ended().event
        #expect(try await desk.ask("GET", "/v1/events").ids == [event.rawValue])
        #expect(try await desk.ask("GET", "/v1/events?after=\(waiting)").isRefusal(404))
        for (query, param) in [
            ("limit=0", "limit"), ("limit=1001", "limit"), ("wait=-1", "wait"), ("wait=61", "wait"),
            ("wait=1.5", "wait"), ("types=batch.started", "types"), ("types=batch.failed,x", "types"),
            ("after=%20", "after"),
        ] {
            #expect(try await desk.ask("GET", "/v1/events?\(query)").isRefusal(400, param: param), "\(query)")
        }
        try await desk.stop()
    }

    @Test func `that are there already are answered at once, however long one would wait`() async throws {
        let desk = try await RunningDesk.start()
        let event = try await desk.published()
        // The connection gives up long before the minute is over.
        #expect(try await desk.ask("GET", "/v1/events?wait=60").ids == [event.rawValue])
        try await desk.stop()
    }

    @Test func `wake who waits for them, and nobody else`() async throws {
        let desk = try await RunningDesk.start { $0.consumersPerProjectMax = 1 }
        let stranger = try await desk.stranger()
        let old = try await desk.published()
        let waiting = try await begin(desk, "after=\(old)&wait=60")
        // That there is no place left shows that the other one waits.
        try await desk.wait(for: 429, "/v1/events?after=now&wait=1")
        let other = try await desk.send("GET", "/v1/events?after=now&wait=1", key: stranger)
        #expect(other.status == 200 && other.ids.isEmpty)
        let start = ContinuousClock.now
        let event = try await desk.published()
        let answer = try await waiting.receive()
        #expect(answer.ids == [event.rawValue] && answer.text("last_id") == event.rawValue)
        // Without the bell the consumer would look after ten seconds.
        #expect(ContinuousClock.now - start < .seconds(8))
        try await desk.stop()
    }

    @Test func `of other types do not end the wait, and are not read again`() async throws {
        let desk = try await RunningDesk.start { $0.consumersPerProjectMax = 1 }
        let waiting = try await begin(desk, "wait=3&types=batch.completed")
        try await desk.wait(for: 429, "/v1/events?after=now&wait=1")
        let event = try await desk.published()
        let answer = try await waiting.receive()
        #expect(answer.status == 200 && answer.ids.isEmpty && answer.text("last_id") == event.rawValue)
        try await desk.stop()
    }

    @Test func `are waited for longer than an idle connection is kept`() async throws {
        let desk = try await RunningDesk.start { $0.idleTimeout = .seconds(1) }
        let start = ContinuousClock.now
        let answer = try await desk.ask("GET", "/v1/events?wait=3")
        #expect(answer.status == 200 && answer.ids.isEmpty)
        #expect(ContinuousClock.now - start >= .seconds(3))
        try await desk.stop()
    }

    @Test func `are waited for by so many and no more`() async throws {
        let desk = try await RunningDesk.start {
            $0.consumersMax = 2
            $0.consumersPerProjectMax = 1
        }
        let stranger = try await desk.stranger()
        let waiting = try await begin(desk, "wait=60")
        try await desk.wait(for: 429, "/v1/events?wait=1")
        let refused = try await desk.ask("GET", "/v1/events?wait=1")
        #expect(refused.isRefusal(429, code: "rate_limit_exceeded") && refused["retry-after"] != nil)
        let stream = try await desk.send("GET", "/v1/events", headers: ["Accept: text/event-stream"])
        #expect(stream.isRefusal(429))
        #expect(try await desk.ask("GET", "/v1/events").status == 200, "who does not wait needs no place")
        #expect(try await desk.ask("GET", "/v1/events?wait=1", key: stranger).status == 200)
        let event = try await desk.published()
        #expect(try await waiting.receive().ids == [event.rawValue])
        try await desk.wait(for: 200, "/v1/events?after=now&wait=1")
        try await desk.stop()
    }

    @Test func `are waited for no longer when the server stops`() async throws {
        let desk = try await RunningDesk.start { $0.consumersPerProjectMax = 1 }
        let waiting = try await begin(desk, "wait=60")
        try await desk.wait(for: 429, "/v1/events?wait=1")
        await desk.beginStop()
        let answer = try await waiting.receive()
        #expect(answer.status == 200 && answer.ids.isEmpty)
        try await desk.stop()
    }
}
