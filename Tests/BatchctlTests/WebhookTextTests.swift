// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchClient
import Testing

@testable import batchctl

struct WebhookTextTests {
    private var endpoint: WireWebhookEndpoint {
        var endpoint = WireWebhookEndpoint(
            id: "we_1", createdAt: 1_000, url: "https://h/x", eventTypes: ["batch.completed", "batch.failed"])
        endpoint.name = "n"
        endpoint.signingSecretHint = "whsec_…abcd"
        return endpoint
    }

    private var delivery: WireDelivery {
        var delivery = WireDelivery(
            id: "whd_1", createdAt: 1_000, eventID: "evt_1", eventType: "batch.failed", status: "pending", attempts: 2)
        delivery.batchID = "batch_1"
        delivery.target = "batch"
        delivery.url = "https://h/x"
        delivery.nextAttemptAt = 1_300
        delivery.lastStatusCode = 503
        delivery.lastLatencyMilliseconds = 1_234
        return delivery
    }

    private func details(_ endpoint: WireWebhookEndpoint) -> [String] {
        WebhookText.details(endpoint, now: 1_060) { _ in 0 }
    }

    @Test func `an endpoint is told in facts, and what is unusual only when it is`() {
        #expect(
            details(endpoint) == [
                "we_1  enabled",
                "  name     n",
                "  url      https://h/x",
                "  types    batch.completed, batch.failed",
                "  secret   whsec_…abcd",
                "  created  1970-01-01 00:16:40 (1 min ago)",
            ])
        #expect(
            WebhookText.row(endpoint, now: 1_060)
                == ["we_1", "enabled", "n", "https://h/x", "batch.completed,batch.failed", ""])
        var failing = endpoint
        failing.status = "disabled"
        failing.disabledReason = "answered 410\u{7}"
        failing.failingSince = 1_000
        failing.updatedAt = 1_060
        #expect(details(failing).first == "we_1  disabled")
        #expect(
            details(failing).suffix(3) == [
                "  updated        1970-01-01 00:17:40 (now)",
                "  disabled       answered 410?",
                "  failing since  1970-01-01 00:16:40 (1 min ago)",
            ])
        #expect(WebhookText.row(failing, now: 1_060).last == "answered 410\u{7}, failing for 1 min")
    }

    @Test func `a delivery is told with its attempts, and answers cannot harm the terminal`() {
        var delivery = delivery
        var refused = WireAttempt(attempt: 1, at: 1_000)
        refused.error = "connection refused"
        var answered = WireAttempt(attempt: 2, at: 1_030)
        answered.statusCode = 503
        answered.latencyMilliseconds = 1_234
        answered.answer = "<html>\r\n  busy\u{1B}[2J\u{0}" + String(repeating: "x", count: 100)
        delivery.attemptLog = [refused, answered]
        #expect(
            WebhookText.details(delivery, now: 1_060) { _ in 0 } == [
                "whd_1  pending",
                "  event         evt_1 batch.failed",
                "  batch         batch_1",
                "  to            batch",
                "  url           https://h/x",
                "  created       1970-01-01 00:16:40 (1 min ago)",
                "  next attempt  1970-01-01 00:21:40 (in 4 min)",
                "  attempts      2",
                "  last          HTTP 503 in 1,234 ms",
                "",
                "ATTEMPT  BEGAN                HTTP      TOOK  ERROR               ANSWER",
                "      1  1970-01-01 00:16:40  -            -  connection refused",
                "      2  1970-01-01 00:17:10  503   1,234 ms                      <html> busy?[2J?"
                    + String(repeating: "x", count: 43) + "…",
            ])
    }

    @Test func `a delivery in a list shows where it goes and how it went last`() {
        var delivery = delivery
        #expect(
            WebhookText.row(delivery) { _ in 0 } == [
                "whd_1", "pending", "batch.failed", "batch_1", "batch", "2", "HTTP 503 in 1,234 ms",
                "1970-01-01 00:16:40",
            ])
        delivery.webhookEndpointID = "we_1"
        delivery.lastStatusCode = nil
        delivery.lastError = "no answer in time"
        #expect(WebhookText.row(delivery) { _ in 0 }[4...6] == ["we_1", "2", "no answer in time"])
        delivery.lastError = nil
        delivery.status = "delivered"
        delivery.nextAttemptAt = nil
        delivery.settledAt = 1_060
        #expect(WebhookText.row(delivery) { _ in 0 }[6] == "-")
        #expect(
            WebhookText.details(delivery, now: 1_060) { _ in 0 }.contains("  delivered  1970-01-01 00:17:40 (now)"))
    }

    @Test func `the webhook of a batch is one of its facts`() {
        var batch = WireBatch(id: "batch_1", endpoint: "/v1/x", status: "in_progress", createdAt: 1_000)
        batch.shardline = WireExtension()
        batch.shardline?.webhookURL = "https://h/x"
        #expect(BatchText.details(batch, now: 1_000) { _ in 0 }.contains("  webhook   https://h/x"))
    }
}

struct WebhookRulesTests {
    @Test(arguments: ["https://h", "http://127.0.0.1:9/x?y=z#a@b", "HTTPS://h.example/a@b", "https://[::1]:8443/"])
    func `addresses of receivers are taken`(url: String) throws {
        try WebhookRules.checkURL(url, option: "--webhook")
    }

    @Test(arguments: [
        "", "h.example/x", "ftp://h", "https://", "https:///x", "https://:80", "https://u:p@h", "https://h/a b",
        "https://h/ü", "https://h/\u{7}",
    ])
    func `what events cannot be sent to is refused`(url: String) {
        #expect(throws: ValidationError.self) { try WebhookRules.checkURL(url, option: "--webhook") }
    }

    @Test func `an endpoint without a name has that of its host`() {
        #expect(WebhookRules.host(of: "https://h.example:8443/x/y") == "h.example")
        #expect(WebhookRules.host(of: "http://[::1]:80?q") == "[::1]")
    }

    @Test func `a secret is whsec_ and base64 of 24 to 64 bytes`() {
        #expect(WebhookRules.isSecret("whsec_" + String(repeating: "A", count: 32)))
        #expect(WebhookRules.isSecret("whsec_" + String(repeating: "+/Az", count: 21) + "AA=="))
        #expect(!WebhookRules.isSecret("whsec_" + String(repeating: "A", count: 28)))
        #expect(!WebhookRules.isSecret("whsec_" + String(repeating: "A", count: 88)))
        #expect(!WebhookRules.isSecret("whsec_" + String(repeating: "-_Az", count: 8)))
        #expect(!WebhookRules.isSecret(String(repeating: "A", count: 32)))
    }

    @Test func `a secret is read from its file, whatever stands around it`() async throws {
        let secret = "whsec_" + String(repeating: "A", count: 32)
        let file = TemporaryFile(" \(secret)\r\n")
        #expect(try await WebhookRules.secret(file: file.path) == secret)
        for content in ["", "whsec_short", secret + "\n" + secret, String(repeating: "A", count: 2_000)] {
            let wrong = TemporaryFile(content)
            let error = await #expect(throws: ClientError.self) { try await WebhookRules.secret(file: wrong.path) }
            guard case .localFile(let sentence) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            // The content may be a secret after all.
            #expect(sentence.contains(wrong.path) && !sentence.contains("AAAA"))
        }
    }

    private func refused(_ arguments: [String]) -> Bool {
        do {
            _ = try BatchctlCommand.parseAsRoot(arguments)
            return false
        } catch {
            guard case .failed(.usage, _) = Verdict(of: error) else { return false }
            return true
        }
    }

    @Test(arguments: [
        ["submit", "a", "--webhook", "h"], ["submit", "a", "--webhook-secret-file", "f"], ["events", "--limit", "0"],
        ["events", "--after", "batch_1"], ["events", "--types", "a,,b"], ["events", "--types", "a,a"],
        ["events", "--types", ""], ["webhooks", "create"], ["webhooks", "create", "h"], ["webhooks", "show", "b"],
        ["webhooks", "update", "we_1"], ["webhooks", "update", "we_1", "--to", "h"], ["webhooks", "delete"],
        ["webhooks", "deliveries", "--status", "lost"], ["webhooks", "replay"], ["webhooks", "replay", "we_1"],
        ["webhooks", "replay", "whd_1", "--endpoint", "we_1", "--since", "2h"],
        ["webhooks", "replay", "whd_1", "--all"], ["webhooks", "replay", "--endpoint", "we_1"],
        ["webhooks", "replay", "--endpoint", "we_1", "--since", "soon"],
        ["webhooks", "replay", "--endpoint", "we_1", "--since", "1h", "--until", "2h"],
        ["webhooks", "replay", "--since", "1h"],
    ])
    func `what makes no sense is refused before anything happens`(arguments: [String]) {
        #expect(refused(arguments))
    }

    @Test func `a replay of a time is an order with instants`() throws {
        let command = try #require(
            try BatchctlCommand.parseAsRoot(
                ["webhooks", "replay", "--endpoint", "we_1", "--since", "2h", "--until", "1h", "--all", "--missed"])
                as? WebhooksReplayCommand)
        #expect(
            try command.order(now: 10_000)
                == ReplayOrder(
                    endpointID: "we_1", since: 2_800, until: 6_400, status: "all", includesMissed: true))
    }

    @Test func `types may be given in one list or in several`() throws {
        let command = try #require(
            try BatchctlCommand.parseAsRoot(["events", "--types", "a,b", "--types", "c"]) as? EventsCommand)
        #expect(command.types.list == ["a", "b", "c"])
    }

    @Test func `completions know the new commands`() {
        for shell in [CompletionShell.bash, .zsh, .fish] {
            let script = BatchctlCommand.completionScript(for: shell)
            for word in ["events", "webhooks", "deliveries", "cursor-file", "webhook-secret-file", "batch.expired"] {
                #expect(script.contains(word), "\(shell.rawValue): \(word)")
            }
        }
    }
}
