// SPDX-License-Identifier: Apache-2.0

import BatchWebhook
import Curl
import HTTPTesting
import Synchronization
import Testing

/// Receivers of all kinds behind real sockets.
@Suite struct SenderTests {
    /// Sends one attempt with an engine of its own.
    private func attempt(
        _ url: String, timeout: Duration = .seconds(60), body: String = #"{"id":"evt_1"}"#,
        secrets: [WebhookSecret] = [], headers: [(String, String)] = [], trust: ReceiverTrust = .configured
    ) async -> AttemptReport {
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let sender = WebhookSender(engines: [engine], timeout: timeout)
        let report = await sender.send(
            id: "evt_1", body: Array(body.utf8), contentType: "application/cloudevents+json", headers: headers,
            to: url, secrets: secrets, now: 1_700_000_000, trust: trust)
        await engine.shutdown()
        return report
    }

    @Test func `what is sent is what was signed, once for each secret`() async throws {
        let taken = Mutex<ScriptedRequest?>(nil)
        let server = try ScriptedServer { request, connection in
            taken.withLock { $0 = request }
            try connection.respond(202, text: "thanks")
        }
        let secrets = [WebhookSecret.random(), .random()]
        let report = await attempt(
            server.url("/hook?a=b"), body: "{\"é\":1}", secrets: secrets, headers: [("X-Extra", "yes")])
        #expect(report.verdict == .delivered)
        #expect(report.status == 202)
        #expect(report.answer == Array("thanks".utf8))
        #expect(report.reason == nil)
        #expect(report.latency > .zero)
        let request = try #require(taken.withLock { $0 })
        #expect(request.method == "POST")
        #expect(request.target == "/hook?a=b")
        #expect(request.text == "{\"é\":1}")
        #expect(request.header("Content-Type") == "application/cloudevents+json")
        #expect(request.header("X-Extra") == "yes")
        #expect(request.header("webhook-id") == "evt_1")
        #expect(request.header("webhook-timestamp") == "1700000000")
        let signatures = secrets.map { $0.signature(id: "evt_1", timestamp: 1_700_000_000, body: request.body) }
        #expect(request.header("webhook-signature") == signatures.joined(separator: " "))
    }

    @Test func `without a secret there is no signature`() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(request.header("webhook-signature") == nil ? 200 : 400)
        }
        #expect(await attempt(server.url()).verdict == .delivered)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is a failure and nobody follows it`(status: Int) async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(request.target == "/" ? status : 200, headers: [("Location", "/elsewhere")])
        }
        let report = await attempt(server.url())
        #expect(report.verdict == .failed)
        #expect(report.status == status)
        #expect(report.reason?.contains("redirects are not followed") == true)
        #expect(server.requestCount == 1)
    }

    @Test(arguments: [(410, AttemptReport.Verdict.gone), (429, .throttled), (500, .failed)])
    func `a refusal is reported with its words`(status: Int, verdict: AttemptReport.Verdict) async throws {
        let server = try ScriptedServer { _, connection in
            try connection.respond(status, headers: [("Retry-After", "17")], text: "no more")
        }
        let report = await attempt(server.url())
        #expect(report.verdict == verdict)
        #expect(report.status == status)
        #expect(report.answer == Array("no more".utf8))
        #expect(report.retryAfter == (status == 429 ? .seconds(17) : nil))
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\u{1}garbage\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "220 mail.example ESMTP\r\n",
        "",
        "HTTP/1.1 200",
    ])
    func `something that does not speak HTTP is a failure`(words: String) async throws {
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            try connection.send(words)
        })
        let report = await attempt(server.url())
        #expect(report.verdict == .failed)
        #expect(report.status == nil)
        #expect(report.reason?.contains("127.0.0.1:\(server.port): ") == true, "\(report)")
    }

    @Test func `nobody listening is a failure`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        server.stop()
        let report = await attempt(server.url())
        #expect(report.verdict == .failed)
        #expect(report.status == nil)
        #expect(report.reason?.isEmpty == false)
    }

    @Test func `a receiver that accepts and is silent is given up after the time limit`() async throws {
        let server = try ScriptedServer(raw: { _ = $0.waitForClose() })
        let report = await attempt(server.url(), timeout: .milliseconds(300))
        #expect(report.verdict == .failed)
        #expect(report.status == nil)
        #expect(report.latency >= .milliseconds(300))
        #expect(report.reason?.contains("within 0.3 seconds") == true, "\(report)")
    }

    /// Sends `text`, then a byte a second until the peer has had enough. Returns whether it had.
    private static func trickle(_ text: String, on connection: ScriptedConnection) throws -> Bool {
        _ = try connection.receive()
        try connection.send(text)
        for _ in 0..<60 {
            if connection.waitForClose(seconds: 1) { return true }
            try connection.send("x")
        }
        return false
    }

    @Test func `a header that comes byte by byte is cut by the time limit`() async throws {
        let cut = TestSignal("the connection was cut")
        let server = try ScriptedServer(raw: { connection in
            if try Self.trickle("HTTP/1.1 200 OK\r\nX-Slow: ", on: connection) { cut.fire() }
        })
        let report = await attempt(server.url(), timeout: .seconds(2))
        #expect(report.verdict == .failed)
        #expect(report.status == nil)
        #expect(report.reason?.contains("not finished within") == true, "\(report)")
        try await cut.wait()
    }

    @Test(arguments: [(200, AttemptReport.Verdict.delivered), (500, .failed)])
    func `a body that comes byte by byte is cut by the time limit, and the status counts`(
        status: Int, verdict: AttemptReport.Verdict
    ) async throws {
        let cut = TestSignal("the connection was cut")
        let server = try ScriptedServer(raw: { connection in
            let head = "HTTP/1.1 \(status) So\r\nContent-Length: 1000\r\n\r\nbegun"
            if try Self.trickle(head, on: connection) { cut.fire() }
        })
        let report = await attempt(server.url(), timeout: .seconds(2))
        #expect(report.verdict == verdict)
        #expect(report.status == status)
        #expect(report.answer.starts(with: "begun".utf8))
        try await cut.wait()
    }

    @Test(arguments: [(200, AttemptReport.Verdict.delivered), (500, .failed)], [true, false])
    func `an answer without end is cut, and the status counts`(
        expected: (status: Int, verdict: AttemptReport.Verdict), isAnnounced: Bool
    ) async throws {
        let cut = TestSignal("the connection was cut")
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            let framing = isAnnounced ? "Content-Length: 99999999999" : "Connection: close"
            try connection.send("HTTP/1.1 \(expected.status) So\r\n\(framing)\r\n\r\n")
            do {
                while true { try connection.send([UInt8](repeating: 0x61, count: 65_536)) }
            } catch { cut.fire() }
        })
        let report = await attempt(server.url())
        #expect(report.verdict == expected.verdict)
        #expect(report.status == expected.status)
        #expect(report.answer == [UInt8](repeating: 0x61, count: 512))
        try await cut.wait()
    }

    @Test func `a body that breaks off does not undo the status`() async throws {
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        })
        let report = await attempt(server.url())
        #expect(report.verdict == .delivered)
        #expect(report.answer == Array("half".utf8))
    }

    @Test func `a header without end is a failure`() async throws {
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            try connection.send("HTTP/1.1 200 OK\r\n")
            while true { try connection.send("X-More: \(String(repeating: "x", count: 1_000))\r\n") }
        })
        let report = await attempt(server.url())
        #expect(report.verdict == .failed)
        #expect(report.reason?.contains("header of the answer exceeds") == true, "\(report)")
    }
}

/// Whose receivers may be where, and who ends an attempt.
@Suite struct SenderTrustTests {
    private func send(_ sender: WebhookSender, to url: String, trust: ReceiverTrust) async -> AttemptReport {
        await sender.send(id: "evt_1", body: [], to: url, secrets: [], now: 0, trust: trust)
    }

    @Test func `a user's receiver may not be inside, not even over the operator's open connection`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let sender = WebhookSender(engines: [engine])
        #expect(await send(sender, to: server.url(), trust: .configured).verdict == .delivered)
        let report = await send(sender, to: server.url(), trust: .tenant)
        #expect(report.verdict == .failed)
        #expect(report.status == nil)
        #expect(
            report.reason
                == "127.0.0.1:\(server.port): the address of this host is not public, and not allowed either")
        #expect(report.refusedAddress == "127.0.0.1")
        #expect(server.requestCount == 1)
        await engine.shutdown()
    }

    @Test func `the operator may let users' receivers be inside, and keep its own out`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let sender = WebhookSender(
            engines: [engine], tenantRule: .publicOnly(allowing: try AddressAllowList(parsing: "127.0.0.0/8")),
            configuredRule: .publicOnly())
        #expect(await send(sender, to: server.url(), trust: .tenant).verdict == .delivered)
        #expect(await send(sender, to: server.url(), trust: .configured).verdict == .failed)
        #expect(server.requestCount == 1)
        await engine.shutdown()
    }

    @Test func `an attempt that this side ends is no failure of the receiver`() async throws {
        let arrived = TestSignal("the request arrived")
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            _ = connection.waitForClose()
        }
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let sender = WebhookSender(engines: [engine])
        let running = Task { await send(sender, to: server.url(), trust: .configured) }
        try await arrived.wait()
        running.cancel()
        #expect(await running.value.verdict == .interrupted)
        await engine.shutdown()
        #expect(await send(sender, to: server.url(), trust: .configured).verdict == .interrupted)
    }
}
