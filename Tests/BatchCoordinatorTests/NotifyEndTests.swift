// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchStore
import BatchTesting
import BatchWebhook
import HTTPTesting
import Testing

@Suite(.serialized) struct NotifyEndTests {
    @Test func `a coordinator that is cancelled gives back what it broke off`() async throws {
        let begun = TestSignal("the attempt began")
        let server = try ScriptedServer { _, connection in
            begun.fire()
            // No answer: the attempt lasts until it is broken off.
            _ = connection.waitForClose()
        }
        let test = try await RunningCoordinator.run {
            $0.serverURL = server.url("/hook")
            $0.drainDeadline = .milliseconds(200)
        } _: { running in
            _ = try await running.submit("no line\n")
            try await begun.wait()
            return running.test
        }
        #expect(try await test.number("select count(*) from deliveries where status = 'pending'") == 1)
        #expect(try await test.number("select count(*) from deliveries where owner is null") == 1)
        #expect(try await test.number("select max(round_attempts) from deliveries") == 0)
    }
}
