// SPDX-License-Identifier: Apache-2.0
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct PoolTests {
    @Test func `never more closures run at once than connections are allowed`() async throws {
        try await withPool({ $0.connectionsMax = 3 }) { pool, _ in
            let gauge = Gauge()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        try await pool.run { session in
                            gauge.enter()
                            try session.query("select pg_sleep(0.001)")
                            gauge.leave()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(gauge.total == 60)
            #expect(gauge.most <= 3)
            #expect(pool.status == PoolStatus(threads: 3, busy: 0, waiting: 0))
        }
    }

    @Test func `a call that finds no free connection in time fails, and the holder is not disturbed`() async throws {
        try await withPool({
            $0.connectionsMax = 1
            $0.acquireTimeout = .milliseconds(50)
        }) { pool, _ in
            let gate = Gate<Bool>()
            async let holder = pool.run { session in
                gate.report(true)
                gate.wait()
                return try session.query("select 7")[0][0, as: Int.self]
            }
            _ = try await gate.next()
            let error = await #expect(throws: PostgresError.self) { try await pool.run { try $0.execute("select 1") } }
            #expect(error?.code == .acquireTimedOut && error?.isRetryable == true && error?.sqlstate == nil)
            gate.open()
            #expect(try await holder == 7)
        }
    }

    @Test func `a full queue refuses at once`() async throws {
        try await withPool({
            $0.connectionsMax = 1
            $0.waitersMax = 1
        }) { pool, _ in
            let gate = Gate<Bool>()
            async let holder: Void = pool.run { _ in
                gate.report(true)
                gate.wait()
            }
            _ = try await gate.next()
            let waiter = Task { try await pool.run { try $0.query("select 1").count } }
            while pool.status.waiting == 0 { await Task.yield() }
            let error = await #expect(throws: PostgresError.self) { try await pool.run { try $0.execute("select 1") } }
            #expect(error?.code == .acquireTimedOut)
            gate.open()
            try await holder
            #expect(try await waiter.value == 1)
        }
    }

    @Test func `cancelling a waiting task takes it out of the queue`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            let gate = Gate<Bool>()
            async let holder: Void = pool.run { _ in
                gate.report(true)
                gate.wait()
            }
            _ = try await gate.next()
            let waiter = Task { try await pool.run { try $0.query("select 1").count } }
            while pool.status.waiting == 0 { await Task.yield() }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
            #expect(pool.status.waiting == 0)
            gate.open()
            try await holder
        }
    }

    @Test func `cancelling a running closure stops its statement and keeps the connection`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            let gate = Gate<Int>()
            let sleeper = Task {
                try await pool.run { session in
                    gate.report(try session.query("select pg_backend_pid()")[0][0, as: Int.self])
                    try session.query("select pg_sleep(50)")
                }
            }
            let backend = try await gate.next()
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            let now = try await pool.run { try $0.query("select pg_backend_pid()")[0][0, as: Int.self] }
            #expect(now == backend)
        }
    }

    @Test func `cancelling a transaction rolls it back`() async throws {
        try await withPool { pool, _ in
            try await pool.run { try $0.script("create table t (n int8)") }
            let gate = Gate<Bool>()
            let task = Task {
                try await pool.transaction { session in
                    try session.execute("insert into t values (1)")
                    gate.report(true)
                    gate.wait()
                }
            }
            _ = try await gate.next()
            task.cancel()
            gate.open()
            await #expect(throws: CancellationError.self) { try await task.value }
            let stored = try await pool.run { try $0.query("select * from t").count }
            #expect(stored == 0)
        }
    }

    @Test func `a task that is cancelled already never reaches the database`() async throws {
        try await withPool { pool, _ in
            let gauge = Gauge()
            let gate = Gate<Bool>()
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                gate.report(true)
                try await pool.run { _ in gauge.enter() }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(gauge.total == 0)
        }
    }

    @Test func `close waits for the running closure, refuses everything else and ends the threads`() async throws {
        let pool = try Fixture({ $0.connectionsMax = 1 }).pool
        let gate = Gate<Bool>()
        let holder = Task {
            try await pool.run { session in
                gate.report(true)
                gate.wait()
                return try session.query("select 5")[0][0, as: Int.self]
            }
        }
        _ = try await gate.next()
        let waiter = Task { try await pool.run { try $0.query("select 1").count } }
        while pool.status.waiting == 0 { await Task.yield() }
        let closing = Task { await pool.close() }
        let refused = await #expect(throws: PostgresError.self) { try await waiter.value }
        #expect(refused?.code == .poolClosed)
        let late = await #expect(throws: PostgresError.self) { try await pool.run { try $0.execute("select 1") } }
        #expect(late?.code == .poolClosed)
        gate.open()
        #expect(try await holder.value == 5)
        await closing.value
        await pool.close()
        #expect(pool.status == PoolStatus(threads: 0, busy: 0, waiting: 0))
    }

    @Test func `a transaction left open by a closure does not leak into the next one`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            try await pool.run { session in
                try session.script("begin")
                try session.script("create table left_open ()")
            }
            let found = try await pool.run { session in
                try session.query("select to_regclass('left_open') is not null")[0][0, as: Bool.self]
            }
            #expect(!found)
        }
    }

    @Test func `sessions run in UTC with the configured limits and name`() async throws {
        try await withPool({ $0.applicationName = "here" }) { pool, _ in
            let values = try await pool.run { session in
                try [
                    "timezone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
                    "application_name", "client_encoding",
                ].map { try session.query("select current_setting(\($0))")[0][0, as: String.self] }
            }
            #expect(values == ["UTC", "1min", "30s", "1min", "here", "UTF8"])
        }
    }
}
