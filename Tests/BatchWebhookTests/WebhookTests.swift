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
        let schedule = DeliverySchedule()
        var generator = SystemRandomNumberGenerator()
        let waits = (1...9).compactMap { schedule.wait(afterAttempts: $0, asked: nil, using: &generator) }
        #expect(waits.count == 9)
        #expect(waits[0] >= .seconds(4) && waits[0] <= .seconds(6))
        #expect(waits.reduce(.zero, +) > .seconds(48 * 3_600))
        #expect(schedule.wait(afterAttempts: 10, asked: nil, using: &generator) == nil)
        #expect(schedule.wait(afterAttempts: 1, asked: .seconds(3_600), using: &generator) == .seconds(10))
    }

    @Test func `an answer's status decides what follows`() {
        #expect(WebhookSender.outcome(status: 204, retryAfter: nil, now: 0) == .delivered(status: 204))
        #expect(WebhookSender.outcome(status: 410, retryAfter: nil, now: 0) == .gone)
        for status in [301, 308, 400, 404, 500] {
            guard case .failed(status, _, nil) = WebhookSender.outcome(status: status, retryAfter: .seconds(9), now: 0)
            else {
                Issue.record("\(status) is not a plain failure")
                continue
            }
        }
        guard
            case .failed(503, _, .seconds(30)?) = WebhookSender.outcome(
                status: 503, retryAfter: .date(unixSeconds: 1_030), now: 1_000)
        else {
            Issue.record("a date is not honoured")
            return
        }
    }

    @Test func `the body is thin and names the event by the header's id`() {
        let event = WebhookEvent(
            id: EventID(rawValue: "evt_1"), type: "batch.completed", batch: BatchID(rawValue: "batch_1"), createdAt: 7)
        #expect(
            String(decoding: event.body, as: UTF8.self)
                == #"{"id":"evt_1","object":"event","created_at":7,"type":"batch.completed","data":{"id":"batch_1"}}"#)
    }
}
