// SPDX-License-Identifier: Apache-2.0
import Curl
import Glibc
import HTTPTesting
import Testing

@Suite struct TimeoutTests {
    @Test func `a handshake that never ends runs out of connect time`() async throws {
        let server = try ScriptedServer(raw: { connection in _ = connection.waitForClose() })
        try await withEngine { engine in
            let request = HTTPRequest(
                url: "https://127.0.0.1:\(server.port)/", timeouts: Timeouts(connect: .milliseconds(100)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutConnect)
            #expect(error.phase == .connecting)
            #expect(!error.mayHaveReachedServer)
        }
    }

    @Test func `a server that never answers runs out of first byte time`() async throws {
        let closed = TestSignal("the client has closed")
        let server = try ScriptedServer { _, connection in
            if connection.waitForClose() { closed.fire() }
        }
        try await withEngine { engine in
            let request = HTTPRequest(
                method: "POST", url: server.url(), body: SharedBytes([1]),
                timeouts: Timeouts(firstByte: .milliseconds(100), idle: .milliseconds(1)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutFirstByte)
            #expect(error.phase == .waiting)
            #expect(error.isRetryable)
            try await closed.wait()
        }
    }

    @Test func `a large request body that was sent is waited for from then on`() async throws {
        let server = try ScriptedServer { _, connection in _ = connection.waitForClose() }
        try await withEngine { engine in
            let request = HTTPRequest(
                method: "POST", url: server.url(), body: SharedBytes([UInt8](repeating: 1, count: 1 << 20)),
                timeouts: Timeouts(firstByte: .milliseconds(200)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutFirstByte)
            #expect(error.phase == .waiting)
            #expect(error.bytesSent == 1 << 20)
        }
    }

    @Test func `an answer that stops in the middle runs out of idle time`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            _ = connection.waitForClose()
        }
        try await withEngine { engine in
            let request = HTTPRequest(url: server.url(), timeouts: Timeouts(idle: .milliseconds(100)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutIdle)
            #expect(error.phase == .receiving)
        }
    }

    @Test func `a server that stops reading runs out of idle time`() async throws {
        let hasEnded = TestSignal("the client has given up")
        let server = try ScriptedServer(raw: { _ in try hasEnded.waitOnThread() })
        try await withEngine { engine in
            let request = HTTPRequest(
                method: "POST", url: server.url(), body: SharedBytes([UInt8](repeating: 1, count: 64 << 20)),
                timeouts: Timeouts(idle: .milliseconds(200)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutIdle)
            #expect(error.phase == .sending)
            hasEnded.fire()
        }
    }

    @Test func `an answer that drips runs out of total time`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\n\r\n")
            while !connection.isClosed {
                try connection.send("x")
                usleep(5_000)
            }
        }
        try await withEngine { engine in
            let request = HTTPRequest(
                url: server.url(), timeouts: Timeouts(idle: .seconds(20), total: .milliseconds(200)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutTotal)
            #expect(error.phase == .receiving)
        }
    }

    @Test func `a request that waits for its turn runs out of total time`() async throws {
        let arrived = TestSignal("the first request has arrived")
        let release = TestSignal("the first request may be answered")
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            try release.waitOnThread()
            try connection.respond()
        }
        try await withEngine(EngineConfiguration(connectionsMax: 1)) { engine in
            async let first = engine.perform(HTTPRequest(url: server.url()))
            try await arrived.wait()
            let request = HTTPRequest(url: server.url(), timeouts: Timeouts(total: .milliseconds(50)))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .timeoutTotal)
            #expect(error.phase == .connecting)
            release.fire()
            #expect(try await first.status == 200)
        }
        #expect(server.requestCount == 1)
    }
}
