// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import Glibc
import Testing

@testable import BatchAPI

private let chat = "/api/v3/batch/chat/completions"
private let body = Array(#"{"model":"tiny","messages":[{"role":"user","content":"hi"}]}"#.utf8)

@Suite struct `A held request` {
    /// A desk whose every rule about silence is as short as it can be.
    private func impatientDesk(_ lane: ScriptedLane) async throws -> RunningDesk {
        try await RunningDesk.start(live: lane) {
            $0.placeWait = .milliseconds(50)
            $0.idleTimeout = .milliseconds(400)
            $0.responseStallTimeout = .milliseconds(150)
            $0.bodyRateWindow = .milliseconds(100)
            $0.bodyDeadline = .milliseconds(300)
        }
    }

    @Test func `outlives every rule about silence, and the rules hold again afterwards`() async throws {
        let lane = ScriptedLane()
        let desk = try await impatientDesk(lane)
        let held = try await RawConnection(port: desk.port)
        try await held.send(desk.request("POST", chat, body: body))
        #expect(await lane.waitForEvents(1))
        // Five idle connections, one after the other, are closed by the rule meanwhile.
        for _ in 0..<5 {
            let idle = try await RawConnection(port: desk.port)
            #expect(try await idle.isClosed())
        }
        #expect(lane.events == [.asked])
        lane.release(0, .success(.success()))
        #expect(try await held.receive().status == 200)
        #expect(try await held.isClosed())
        // A body that comes too slowly is refused on this route with a pause, as its clients need it.
        let slow = try await RawConnection(port: desk.port)
        let head = desk.request("POST", chat, body: body).dropLast(body.count)
        try await slow.send(Array(head) + body.prefix(3))
        let refused = try await slow.receive()
        #expect(refused.status == 503 && refused["retry-after"] == "5" && refused.isProperError)
        try await desk.stop()
    }

    @Test(arguments: ["end", "reset", "half"])
    func `ends when its client goes`(how: String) async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane)
        var client: RawConnection? = try await RawConnection(port: desk.port)
        try await client?.send(desk.request("POST", chat, body: body))
        #expect(await lane.waitForEvents(1))
        switch how {
        case "end": client = nil
        case "reset":
            client?.resetOnClose()
            client = nil
        default: client?.finishSending()
        }
        #expect(await lane.waitForEvents(2))
        #expect(lane.events == [.asked, .cancelled])
        let line = try #require(await desk.log.wait(for: "status=499"))
        #expect(line.contains(chat))
        if let client { #expect(try await client.isClosed()) }
        try await desk.stop()
    }

    @Test func `is not begun for a client that went while it was being read`() async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane)
        let client = try await RawConnection(port: desk.port)
        try await client.send(desk.request("POST", chat, body: body))
        client.finishSending()
        #expect(await desk.log.wait(for: "status=499") != nil)
        #expect(lane.events.filter { $0 == .asked }.count == lane.events.filter { $0 == .cancelled }.count)
        try await desk.stop()
    }

    @Test func `may be followed by others on its connection`() async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane)
        let client = try await RawConnection(port: desk.port)
        for number in 0..<3 {
            try await client.send(desk.request("POST", chat, body: body))
            #expect(await lane.waitForEvents(number + 1))
            lane.release(number, .success(.success(#"{"n":\#(number)}"#)))
            #expect(try await client.receive().bodyText == #"{"n":\#(number)}"#)
        }
        #expect(lane.events == [.asked, .asked, .asked])
        try await desk.stop()
    }

    @Test func `leaves the other routes alone when there are as many as may be`() async throws {
        let lane = ScriptedLane()
        // The lane of these tests may hold a thousand besides these four connections.
        let desk = try await RunningDesk.start(live: lane) { $0.connectionsMax = 4 }
        var held: [RawConnection] = []
        for number in 1...100 {
            let client = try await RawConnection(port: desk.port)
            try await client.send(desk.request("POST", chat, body: body))
            #expect(await lane.waitForEvents(number))
            held.append(client)
        }
        #expect(try await desk.send("GET", "/health").status == 200)
        #expect(try await desk.send("GET", "/v1/files").status == 200)
        for number in 0..<100 { lane.release(number, .success(.success())) }
        for client in held { #expect(try await client.receive().status == 200) }
        try await desk.stop()
    }

    @Test func `is answered with a pause when the server stops`() async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane)
        let client = try await RawConnection(port: desk.port)
        try await client.send(desk.request("POST", chat, body: body))
        #expect(await lane.waitForEvents(1))
        await desk.beginStop()
        lane.release(0, .failure(BatchError.unavailable("The server is stopping.", retryAfterSeconds: 1)))
        let answer = try await client.receive()
        #expect(answer.status == 503 && answer["retry-after"] == "1")
        #expect(try await client.isClosed())
        try await desk.stop()
    }
}
