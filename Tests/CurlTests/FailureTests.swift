// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Testing

@Suite struct FailureTests {
    @Test func `a name without address cannot be resolved`() async throws {
        // A label above 63 bytes fails inside the resolver, without a packet.
        let url = "http://" + String(repeating: "a", count: 70) + ".invalid/"
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: url))
            }
            #expect(error.code == .couldNotResolve)
            #expect(error.phase == .connecting)
            #expect(error.isRetryable)
            #expect(!error.mayHaveReachedServer)
        }
    }

    @Test func `a port nobody listens on cannot be connected to`() async throws {
        let server = try ScriptedServer { _, _ in }
        let url = server.url("/secret?key=1")
        server.stop()
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: url))
            }
            #expect(error.code == .couldNotConnect)
            #expect(error.phase == .connecting)
            #expect(error.message.contains("127.0.0.1:\(server.port)"))
            #expect(!error.message.contains("secret"))
            #expect(!error.mayHaveReachedServer)
        }
    }

    /// Where a server breaks off, and the phase that is reported.
    enum Break: CaseIterable, Sendable {
        case closedUnanswered, resetUnanswered, resetInHeader, closedInBody, resetInBody, closedInChunk
    }

    @Test(arguments: Break.allCases)
    func `a connection that breaks is lost, wherever it breaks`(point: Break) async throws {
        let server = try ScriptedServer { _, connection in
            switch point {
            case .closedUnanswered: connection.close()
            case .resetUnanswered: connection.reset()
            case .resetInHeader:
                try connection.send("HTTP/1.1 200 OK\r\nContent-")
                connection.reset()
            case .closedInBody, .resetInBody:
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                point == .closedInBody ? connection.close() : connection.reset()
            case .closedInChunk:
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
                connection.close()
            }
        }
        try await withEngine { engine in
            let request = HTTPRequest(method: "POST", url: server.url(), body: SharedBytes([1, 2, 3]))
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .connectionLost)
            #expect(error.isRetryable)
            #expect(error.mayHaveReachedServer)
            #expect(error.bytesSent == 3)
            switch point {
            case .resetInHeader, .closedInBody, .resetInBody, .closedInChunk: #expect(error.phase == .receiving)
            case .closedUnanswered, .resetUnanswered: #expect(error.phase == .waiting)
            }
        }
    }

    @Test(arguments: [
        "garbage without any sense\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\nabc", "HTTP/7.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    ])
    func `an answer that is not proper HTTP is refused`(answer: String) async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send(answer)
            connection.closeWriting()
            #expect(connection.waitForClose())
        }
        try await withEngine { engine in
            let request = HTTPRequest(url: server.url(), acceptsCompression: true)
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .protocolError)
            #expect(error.isRetryable)
        }
    }

    @Test func `redirects in a circle end`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.respond(302, headers: [("Location", "/again")])
        }
        try await withEngine { engine in
            let request = HTTPRequest(url: server.url(), followsRedirects: true)
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .protocolError)
        }
        #expect(server.requestCount == 6)
    }

    /// How a server exceeds the limit of 1,000 bytes.
    enum Excess: CaseIterable, Sendable { case announced, chunked, endless, bomb, header, interim }

    @Test(arguments: Excess.allCases)
    func `an answer above its limit is stopped`(excess: Excess) async throws {
        let closed = TestSignal("the client has closed")
        let server = try ScriptedServer { _, connection in
            let kilobyte = [UInt8](repeating: 0x61, count: 1024)
            switch excess {
            case .announced: try connection.respond(body: [UInt8](repeating: 0, count: 1001))
            case .chunked:
                try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<3 { try connection.sendChunk(Array(kilobyte[..<400])) }
            case .endless:
                try connection.send("HTTP/1.1 200 OK\r\n\r\n")
                while true { do { try connection.send(kilobyte) } catch { break } }
            case .bomb:
                try connection.respond(headers: [("Content-Encoding", "gzip")], body: Gzip.zeros(1 + 258 * 40_000))
            case .header:
                try connection.send("HTTP/1.1 200 OK\r\n")
                while true {
                    do { try connection.send("X-More: " + String(decoding: kilobyte, as: UTF8.self) + "\r\n") } catch {
                        break
                    }
                }
            case .interim:
                while true { do { try connection.send("HTTP/1.1 102 Processing\r\n\r\n") } catch { break } }
            }
            if connection.waitForClose() { closed.fire() }
        }
        try await withEngine { engine in
            let request = HTTPRequest(url: server.url(), responseBytesMax: 1000, acceptsCompression: true)
            let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
            #expect(error.code == .responseTooLarge)
            #expect(!error.isRetryable)
            #expect(error.phase == .receiving)
            try await closed.wait()
        }
    }

    @Test func `an answer of exactly the limit is accepted`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.respond(body: [UInt8](repeating: 7, count: 1000))
        }
        try await withEngine { engine in
            let response = try await engine.perform(HTTPRequest(url: server.url(), responseBytesMax: 1000))
            #expect(response.body.count == 1000)
        }
    }

    @Test func `a plain server cannot be talked to in TLS`() async throws {
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            try connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        })
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
            }
            #expect(error.code == .tls)
            #expect(error.phase == .connecting)
            #expect(!error.mayHaveReachedServer)
        }
    }

    @Test(arguments: ["127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "0"])
    func `a guarded request never reaches this machine`(host: String) async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        try await withEngine { engine in
            let url = "http://\(host):\(server.port)/"
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: url, addressRule: .publicOnly()))
            }
            #expect(error.code == .addressRefused)
            #expect(!error.isRetryable)
        }
        #expect(server.connectionCount == 0)
    }

    @Test func `a guarded request does not borrow a connection that was opened without guard`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        try await withEngine { engine in
            _ = try await engine.perform(HTTPRequest(url: server.url()))
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: server.url(), addressRule: .publicOnly()))
            }
            #expect(error.code == .addressRefused)
            _ = try await engine.perform(HTTPRequest(url: server.url()))
        }
        #expect(server.connectionCount == 1)
    }

    @Test(arguments: [
        "", "no scheme", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\0",
    ])
    func `an unusable URL is refused`(url: String) async throws {
        try await withEngine { engine in
            for _ in 0..<2 {
                let error = try await failure { () async throws(CurlError) in
                    try await engine.perform(HTTPRequest(url: url))
                }
                #expect(error.code == .badURL)
                #expect(!error.isRetryable)
            }
        }
    }

    @Test func `fields and methods that would forge the request are refused`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let forged = [
            HTTPRequest(method: "GET / HTTP/1.1\r\nX: y", url: server.url()),
            HTTPRequest(url: server.url(), headers: ["X": "a\r\nY: b"]),
            HTTPRequest(url: server.url(), headers: ["X: a\r\nY": "b"]),
            HTTPRequest(url: server.url(), headers: ["": "b"]),
        ]
        try await withEngine { engine in
            for request in forged {
                let error = try await failure { () async throws(CurlError) in try await engine.perform(request) }
                #expect(error.code == .badRequest)
            }
        }
        #expect(server.requestCount == 0)
    }

    @Test(arguments: ["GET", "POST"])
    func `a surplus answer is never taken for the next one`(method: String) async throws {
        let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        let sent = TestSignal("the late surplus is sent")
        let server = try ScriptedServer { request, connection in
            switch request.target {
            case "/glued": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + surplus)
            case "/late":
                try connection.respond(text: "ok")
                try connection.send(surplus)
                sent.fire()
            default: try connection.respond(text: "ok")
            }
        }
        try await withEngine(EngineConfiguration(connectionsMax: 1)) { engine in
            for path in ["/glued", "/after", "/late", "/after"] {
                let body = method == "POST" ? SharedBytes(Array("question".utf8)) : nil
                let request = HTTPRequest(method: method, url: server.url(path), body: body)
                let response = try await engine.perform(request)
                #expect(response.body == Array("ok".utf8))
                if path == "/late" { try await sent.wait() }
            }
        }
        #expect(server.connectionCount == 3)
    }

    @Test func `a full waiting queue says so`() async throws {
        let arrived = TestSignal("the first request has arrived")
        let release = TestSignal("the first request may be answered")
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            try release.waitOnThread()
            try connection.respond()
        }
        try await withEngine(EngineConfiguration(connectionsMax: 1, waitingMax: 0)) { engine in
            async let first = engine.perform(HTTPRequest(url: server.url()))
            try await arrived.wait()
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: server.url()))
            }
            #expect(error.code == .queueFull)
            #expect(error.isRetryable)
            release.fire()
            #expect(try await first.status == 200)
        }
    }
}
