// SPDX-License-Identifier: Apache-2.0

import BatchWebhook
import Curl
import Foundation
import HTTPTesting
import ServerTesting
import Synchronization
import Testing

/// What the sender puts on the wire is verified by the packages receivers use: the official OpenAI SDK and the
/// reference implementation of Standard Webhooks, unmodified.
@Suite struct WebhookVerificationTests {
    /// A notice as it arrived, for Tests/Python/verify_webhooks.py.
    private struct Notice: Encodable {
        /// What it is about, for messages.
        let name: String
        /// Base64 of the body's bytes.
        var body: String
        /// Header fields as received.
        let headers: [String: String]
        /// The receiver's secret.
        let secret: String
        /// Whether both packages must accept it.
        let isGenuine: Bool
    }

    /// Sends an event over a socket and returns what arrived there.
    private func deliver(secrets: [WebhookSecret], at moment: Int64) async throws -> ScriptedRequest {
        let taken = Mutex<ScriptedRequest?>(nil)
        let server = try ScriptedServer { request, connection in
            taken.withLock { $0 = request }
            try connection.respond(200)
        }
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let event = """
            {"id":"evt_1","object":"event","created_at":1700000000,"type":"batch.completed","data":\
            {"id":"batch_1","status":"completed","metadata":{"note":"naïve — 批处理"}}}
            """
        let report = await WebhookSender(engines: [engine]).send(
            id: "evt_1", body: Array(event.utf8), to: server.url("/hook"), secrets: secrets, now: moment,
            trust: .configured)
        await engine.shutdown()
        #expect(report.verdict == .delivered)
        return try #require(taken.withLock { $0 })
    }

    private func notice(
        _ name: String, _ request: ScriptedRequest, _ secret: WebhookSecret, isGenuine: Bool
    ) -> Notice {
        Notice(
            name: name, body: Data(request.body).base64EncodedString(),
            headers: Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            secret: secret.text, isGenuine: isGenuine)
    }

    private func tampered(_ notice: Notice) throws -> Notice {
        var forged = notice
        var bytes = try #require(Data(base64Encoded: notice.body))
        let place = try #require(bytes.range(of: Data("batch_1".utf8)))
        bytes.replaceSubrange(place, with: Data("batch_2".utf8))
        forged.body = bytes.base64EncodedString()
        return forged
    }

    private func verify(_ notices: [Notice]) async throws {
        try await withScratch { scratch in
            let path = try scratch.write(
                String(decoding: try JSONEncoder().encode(notices), as: UTF8.self), to: "notices.json")
            let process = try ChildProcess(
                Products.python(), [Products.script("verify_webhooks.py"), path], name: "verify", in: scratch)
            #expect(try await process.end(within: .seconds(60)) == .exited(0), "\(process.errors)")
        }
    }

    @Test func `a notice is genuine to whoever has the secret, and to nobody else`() async throws {
        let now = Int64(Date().timeIntervalSince1970)
        let secret = WebhookSecret.random()
        let shortest = try #require(WebhookSecret("whsec_" + Data(repeating: 0xFB, count: 24).base64EncodedString()))
        let longest = try #require(WebhookSecret("whsec_" + Data(repeating: 0xFF, count: 64).base64EncodedString()))
        var notices: [Notice] = []
        for (name, secret) in [("random", secret), ("shortest", shortest), ("longest", longest)] {
            let request = try await deliver(secrets: [secret], at: now)
            notices.append(notice("\(name) secret", request, secret, isGenuine: true))
            notices.append(notice("stranger's for \(name)", request, .random(), isGenuine: false))
        }
        notices.append(
            notice("unsigned", try await deliver(secrets: [], at: now), secret, isGenuine: false))
        try await verify(notices)
    }

    @Test func `while a secret is exchanged the old one and the new one verify`() async throws {
        let now = Int64(Date().timeIntervalSince1970)
        let (new, old) = (WebhookSecret.random(), WebhookSecret.random())
        let request = try await deliver(secrets: [new, old], at: now)
        #expect(request.header("webhook-signature")?.split(separator: " ").count == 2)
        try await verify([
            notice("new secret", request, new, isGenuine: true), notice("old secret", request, old, isGenuine: true),
            notice("neither", request, .random(), isGenuine: false),
            try tampered(notice("new secret, tampered", request, new, isGenuine: false)),
            try tampered(notice("old secret, tampered", request, old, isGenuine: false)),
        ])
    }

    @Test func `a notice that was changed, or is too old or too new, is not genuine`() async throws {
        let now = Int64(Date().timeIntervalSince1970)
        let secret = WebhookSecret.random()
        let genuine = notice("fresh", try await deliver(secrets: [secret], at: now), secret, isGenuine: true)
        try await verify([
            genuine, try tampered(notice("tampered", deliver(secrets: [secret], at: now), secret, isGenuine: false)),
            notice("stale", try await deliver(secrets: [secret], at: now - 600), secret, isGenuine: false),
            notice("of the future", try await deliver(secrets: [secret], at: now + 600), secret, isGenuine: false),
        ])
    }
}
