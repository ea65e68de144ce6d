// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Testing

/// What requests to users' URLs need beside the guard: limits, and answers whose body does not matter.
@Suite struct PartialAnswerTests {
    private func request(_ url: String, _ timeouts: Timeouts = Timeouts(), followsRedirects: Bool = false)
        -> HTTPRequest
    {
        HTTPRequest(
            url: url, timeouts: timeouts, responseBytesMax: 4, followsRedirects: followsRedirects,
            keepsPartialAnswer: true)
    }

    @Test func `an answer is kept as far as it may come and its connection closed`() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(request.target == "/short" ? 200 : 503, text: request.target)
        }
        try await withEngine { engine in
            let long = try await engine.perform(request(server.url("/12345")))
            #expect(long.status == 503)
            #expect(long.body == Array("/123".utf8))
            let exact = try await engine.perform(request(server.url("/abc")))
            #expect(exact.body == Array("/abc".utf8))
            _ = try await engine.perform(request(server.url("/abc")))
            #expect(server.connectionCount == 2, "a whole answer leaves its connection open")
        }
    }

    @Test func `a body that stops counts as an answer, a header that stops does not`() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.send("HTTP/1.1 201 Created\r\n")
            if request.target == "/body" { try connection.send("Content-Length: 9\r\n\r\nab") }
            _ = connection.waitForClose()
        }
        let timeouts = Timeouts(firstByte: .milliseconds(200), idle: .milliseconds(200))
        try await withEngine { engine in
            let answer = try await engine.perform(request(server.url("/body"), timeouts))
            #expect(answer.status == 201)
            #expect(answer.body == Array("ab".utf8))
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(request(server.url("/header"), timeouts))
            }
            #expect(error.code == .timeoutIdle)
        }
    }

    @Test func `cancelling and stopping are no answer`() async throws {
        let arrived = TestSignal("the request arrived")
        let server = try ScriptedServer { request, connection in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
            arrived.fire()
            _ = connection.waitForClose()
        }
        try await withEngine { engine in
            let running = Task { () async throws in try await engine.perform(request(server.url())) }
            try await arrived.wait()
            running.cancel()
            let error = await #expect(throws: CurlError.self) { try await running.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func `a redirect that leads nowhere is no answer to a request that follows it`() async throws {
        let server = try ScriptedServer { request, connection in
            if request.target == "/" {
                try connection.respond(302, headers: [("Location", "/next")])
            } else {
                connection.close()
            }
        }
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(request(server.url(), followsRedirects: true))
            }
            #expect(error.code == .connectionLost)
        }
    }

    @Test func `a request to a user's URL must have time limits`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let rule = AddressRule.publicOnly(allowing: try AddressAllowList(parsing: "127.0.0.1"))
        let bounded = [
            Timeouts(connect: nil, firstByte: nil, idle: nil, total: .seconds(60)), Timeouts(total: nil),
        ]
        let unbounded = [
            Timeouts(connect: nil, total: nil), Timeouts(firstByte: nil, total: nil), Timeouts(idle: nil, total: nil),
        ]
        try await withEngine { engine in
            for timeouts in bounded {
                let request = HTTPRequest(url: server.url(), timeouts: timeouts, addressRule: rule)
                #expect(try await engine.perform(request).status == 200)
            }
            for timeouts in unbounded {
                let error = try await failure { () async throws(CurlError) in
                    try await engine.perform(HTTPRequest(url: server.url(), timeouts: timeouts, addressRule: rule))
                }
                #expect(error.code == .badRequest)
            }
            #expect(server.connectionCount == 2, "no connection is used twice")
            #expect(try await engine.perform(HTTPRequest(url: server.url())).status == 200)
            #expect(server.connectionCount == 3, "not even by a request without a rule")
        }
    }

    @Test func `a refused address is told to the operator and not in the message`() async throws {
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(HTTPRequest(url: "http://localhost:9/x?key=1", addressRule: .publicOnly()))
            }
            #expect(error.message == "localhost:9: the address of this host is not public, and not allowed either")
            #expect(["127.0.0.1", "::1"].contains(error.refusedAddress))
        }
    }
}
