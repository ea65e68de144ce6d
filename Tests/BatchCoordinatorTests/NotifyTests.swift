// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchStore
import BatchTesting
import BatchWebhook
import HTTPTesting
import Synchronization
import Testing

@Suite(.serialized) struct NotifyTests {
    private final class Receiver: Sendable {
        let attempts = Mutex<[ScriptedRequest]>([])
        let taken = TestSignal("the event was taken")

        /// Refuses the first attempt with a 500 and takes the second.
        func answer(_ request: ScriptedRequest, _ connection: ScriptedConnection) throws {
            let count = attempts.withLock { attempts in
                attempts.append(request)
                return attempts.count
            }
            try connection.respond(count == 1 ? 500 : 204, text: "")
            if count == 2 { taken.fire() }
        }
    }

    @Test func `the end of a batch is told until it is taken, under one id, signed afresh, once only`() async throws {
        let receiver = Receiver()
        let server = try ScriptedServer { try receiver.answer($0, $1) }
        let secret = try #require(WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let schedule = DeliverySchedule(waits: [.milliseconds(10), .milliseconds(10)], jitter: 0)
        try await RunningCoordinator.run {
            $0.serverURL = server.url("/hook")
            $0.serverSecret = secret
            $0.schedule = schedule
        } _: { running in
            let batch = try await running.submit(inputLines(4))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            #expect(receiver.attempts.withLock { $0.isEmpty }, "nothing is told before the end")
            try await running.work()
            try await receiver.taken.wait()
            let done = try #require(try await running.test.store.findBatch(batch.id, project: running.test.project))
            #expect(done.status == .completed)
            #expect(try await running.lines(of: done.outputFileID).count == 2)
            try await eventually("the delivery is settled") {
                try await running.test.number("select count(*) from deliveries where status = 'delivered'") == 1
                    ? true : nil
            }
            let attempts = receiver.attempts.withLock { $0 }
            #expect(attempts.count == 2)
            #expect(Set(attempts.map { $0.header("webhook-id") }).count == 1)
            for attempt in attempts {
                let id = try #require(attempt.header("webhook-id"))
                let timestamp = try #require(attempt.header("webhook-timestamp").flatMap { Int64($0) })
                let expected = secret.signature(id: id, timestamp: timestamp, body: attempt.body)
                #expect(attempt.header("webhook-signature") == expected)
                #expect(attempt.text.contains(#""type":"batch.completed""#))
                #expect(attempt.text.contains(batch.id.rawValue))
            }
        }
    }
}
