// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import HTTPTesting
import Logging
import Testing

@testable import BatchCoordinator

@Suite struct DutyKeeperTests {
    /// Holds every statement on `batches` up until it is ended, and waits until it does.
    private func gate(_ test: TestStore) async throws -> Task<Void, any Error> {
        let gate = Task {
            try await test.tamper("begin; lock table batches in access exclusive mode; select pg_sleep(601)")
        }
        _ = try await eventually("a lock on batches") {
            let sql = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted "
            return try await test.number(sql + "and relation = (select oid from pg_class where relname = 'batches')")
                == 1 ? true : nil
        }
        return gate
    }

    private func open(_ gate: Task<Void, any Error>, _ test: TestStore) async throws {
        _ = try await test.number(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                + "where query like '%pg_sleep(601)%' and pid <> pg_backend_pid()")
        _ = await gate.result
    }

    @Test func `strict work ends when its lease was not confirmed for its length, although no answer came`()
        async throws
    {
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let duty = try await test.takeValidation(of: batch.id)
        let keeper = DutyKeeper(
            store: test.store, lease: .seconds(1), renewEvery: .milliseconds(100), logger: Logger(label: "keeper"))
        let gate = try await gate(test)
        let (begun, ended) = (TestSignal("the work"), TestSignal("the end of the work"))
        let forever = AsyncStream<Void>.makeStream()
        let kept = Task {
            try await keeper.keep(duty, isStrict: true) {
                begun.fire()
                defer { ended.fire() }
                // Ends when it is cancelled, and never otherwise.
                for await _ in forever.stream {}
                try Task.checkCancellation()
            }
        }
        try await begun.wait()
        try await ended.wait()
        try await open(gate, test)
        #expect(try await !kept.value)
        await test.store.close()
    }
}
