// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Curl
import Testing

@testable import BatchWebhook

@Suite struct WebhookTests {
    @Test func `the signature is that of Standard Webhooks' own example`() throws {
        let secret = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let signature = secret.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8))
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(arguments: ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_a-b_"])
    func `a secret that is none is refused`(text: String) {
        #expect(WebhookSecret(text) == nil)
    }

    @Test func `the schedule spans days, honours a later wish within bounds, and ends`() {
        let schedule = DeliverySchedule.webhook
        var generator = SystemRandomNumberGenerator()
        let waits = (1...9).compactMap { schedule.wait(afterAttempts: $0, asked: nil, using: &generator) }
        #expect(waits.count == 9)
        #expect(waits[0] >= .seconds(4) && waits[0] <= .seconds(6))
        #expect(waits.reduce(.zero, +) > .seconds(48 * 3_600))
        #expect(schedule.wait(afterAttempts: 10, asked: nil, using: &generator) == nil)
        #expect(schedule.wait(afterAttempts: 1, asked: .seconds(3_600), using: &generator) == .seconds(60))
        #expect(schedule.wait(afterAttempts: 2, asked: .seconds(3_600), using: &generator) == .seconds(600))
    }

    @Test func `the schedule of a broker never ends`() throws {
        var generator = SystemRandomNumberGenerator()
        let wait = try #require(DeliverySchedule.sink.wait(afterAttempts: 1_000, asked: nil, using: &generator))
        #expect(wait >= .seconds(48) && wait <= .seconds(72))
    }

    @Test func `a new secret is read again, differs from the next, and is known by its hint`() throws {
        let secret = WebhookSecret.random()
        #expect(secret != .random())
        #expect(secret.text.hasPrefix("whsec_"))
        #expect(secret.text.utf8.count == 6 + 44)
        #expect(WebhookSecret(secret.text) == secret)
        #expect(secret.hint == "whsec_…" + secret.text.suffix(4))
        let body = Array("{}".utf8)
        let again = try #require(WebhookSecret(secret.text))
        #expect(
            again.signature(id: "evt_1", timestamp: 1, body: body)
                == secret.signature(id: "evt_1", timestamp: 1, body: body))
    }

    @Test func `a secret is as random as its generator`() {
        struct Counting: RandomNumberGenerator {
            var count: UInt64 = 0
            mutating func next() -> UInt64 {
                count += 1
                return count
            }
        }
        var one = Counting()
        var other = Counting()
        #expect(WebhookSecret.random(using: &one) == WebhookSecret.random(using: &other))
        #expect(WebhookSecret.random(using: &one) != WebhookSecret.random(using: &one))
    }

    @Test func `a secret printed, interpolated or dumped shows its hint only`() {
        let secret = WebhookSecret.random()
        var dumped = ""
        dump(secret, to: &dumped)
        for shown in ["\(secret)", "\([secret])", String(reflecting: secret), "\(Optional(secret) as Any)", dumped] {
            #expect(!shown.contains(secret.text.dropFirst(6).dropLast(4)), "\(shown)")
            #expect(shown.contains(secret.hint))
        }
    }

    @Test(arguments: [
        (200, AttemptReport.Verdict.delivered), (204, .delivered), (299, .delivered), (301, .failed), (304, .failed),
        (308, .failed), (400, .failed), (404, .failed), (410, .gone), (429, .throttled), (500, .failed),
        (501, .failed), (502, .throttled), (503, .throttled), (504, .throttled), (999, .failed),
    ])
    func `an answer's status decides what follows`(status: Int, verdict: AttemptReport.Verdict) {
        let response = HTTPResponse(status: status, headers: ["Retry-After": "9"], body: Array("so".utf8))
        let report = AttemptReport(response, latency: .seconds(2), now: 0)
        #expect(report.verdict == verdict)
        #expect(report.status == status)
        #expect(report.latency == .seconds(2))
        #expect(report.answer == Array("so".utf8))
        #expect((report.reason == nil) == (verdict == .delivered))
        #expect(report.reason.map { $0.contains("\(status)") } != false)
        #expect(report.retryAfter == (verdict == .throttled ? .seconds(9) : nil))
    }

    @Test(arguments: [
        ("0", Duration.zero), ("30", .seconds(30)), ("99999999999999999999999999", .seconds(86_400)),
        ("Thu, 01 Jan 1970 00:17:10 GMT", .seconds(30)), ("Thu, 01 Jan 1970 00:00:00 GMT", .zero),
        ("Fri, 31 Dec 9999 23:59:59 GMT", .seconds(86_400)), ("soon", nil), ("-5", nil),
    ])
    func `a receiver's wish to be left alone is kept between nothing and a day`(text: String, wait: Duration?) {
        let response = HTTPResponse(status: 429, headers: ["Retry-After": text])
        #expect(AttemptReport(response, latency: .zero, now: 1_000).retryAfter == wait)
    }

    @Test(arguments: [
        (CurlError.Code.cancelled, AttemptReport.Verdict.interrupted), (.shutdown, .interrupted),
        (.queueFull, .interrupted), (.couldNotResolve, .failed), (.timeoutTotal, .failed), (.addressRefused, .failed),
        (.tls, .failed), (.badURL, .failed), (.other(7), .failed),
    ])
    func `no answer is a failure unless this side gave up`(code: CurlError.Code, verdict: AttemptReport.Verdict) {
        let report = AttemptReport(CurlError(code, "why"), latency: .seconds(1))
        #expect(report == AttemptReport(verdict: verdict, latency: .seconds(1), reason: "why"))
    }

    @Test func `the body is thin and names the event by the header's id`() {
        let batch = Batch(
            id: BatchID(rawValue: "batch_1"), project: ProjectID(rawValue: "proj_1"), status: .completed,
            inputFileID: "file-1", endpoint: "/v1/embeddings", completionWindow: "24h", createdAt: 1, expiresAt: 2)
        let event = OutboxEvent(id: EventID(rawValue: "evt_1"), type: .batchCompleted, createdAt: 7, batch: batch)
        let data =
            #"{"id":"batch_1","status":"completed","endpoint":"/v1/embeddings","output_file_id":null,"#
            + #""error_file_id":null,"request_counts":{"total":0,"completed":0,"failed":0},"metadata":null}"#
        #expect(
            event.eventObject.text
                == #"{"id":"evt_1","object":"event","created_at":7,"type":"batch.completed","data":"# + data + "}")
    }
}
