// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import BatchWebhook
import Curl
import HTTPTesting
import Logging
import Loops
import Synchronization
import Testing

@testable import BatchCoordinator

@Suite(.serialized) struct DeliveryDeskTests {
    @Test func `a delivery whose lease ran out under its attempt is not attempted twice at once`() async throws {
        let begun = TestSignal("the attempt began")
        let mayEnd = TestSignal("the attempt may end")
        let server = try ScriptedServer { _, connection in
            begun.fire()
            try mayEnd.waitOnThread()
            try connection.respond(204, text: "")
        }
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let duty = try await test.takeValidation(of: batch.id)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        var configuration = NotifyConfiguration()
        configuration.serverURL = server.url("/hook")
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let logger = Logger(label: "desk")
        let desk = DeliveryDesk(
            store: test.store, owner: .random(),
            courier: Courier(
                sender: WebhookSender(engines: [engine]), configuration: configuration, logger: logger),
            configuration: configuration, lease: .seconds(60), wake: WakeSignal(), logger: logger)
        _ = try await desk.poll()
        try await begun.wait()
        try await test.tamper("update deliveries set owner_until = clock_timestamp() - interval '1 second'")
        try await eventually("the delivery is taken again") {
            _ = try await desk.poll()
            return try await test.number("select max(attempts) from deliveries") == 2 ? true : nil
        }
        mayEnd.fire()
        try await eventually("the delivery is recorded") {
            _ = try await desk.poll()
            return try await test.number("select count(*) from deliveries where status = 'delivered'") == 1 ? true : nil
        }
        #expect(server.requestCount == 1)
        await engine.shutdown()
    }

    @Test func `a broker that answers 410 gets the event when it is back`() async throws {
        let answers = Atomic<Int>(0)
        let server = try ScriptedServer { _, connection in
            let count = answers.wrappingAdd(1, ordering: .relaxed).newValue
            try connection.respond(count == 1 ? 410 : 204, text: "")
        }
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let sink = HTTPSink(
            sender: WebhookSender(engines: [engine]), url: server.url("/events"), secret: nil, form: .ark)
        try await RunningCoordinator.run {
            $0.sinks["events"] = sink
            $0.sinkSchedule = DeliverySchedule(waits: [.milliseconds(10)], isEndless: true, jitter: 0)
        } _: { running in
            _ = try await running.submit("no line\n")
            try await eventually("the event is delivered") {
                try await running.test.number("select count(*) from deliveries where status = 'delivered'") == 1
                    ? true : nil
            }
        }
        #expect(answers.load(ordering: .relaxed) == 2)
        await engine.shutdown()
    }
}
