// SPDX-License-Identifier: Apache-2.0
import Glibc
import Postgres
import PostgresTesting
import Testing

/// Faults of the server. Those that stop it use a cluster of their own.
@Suite(.timeLimit(.minutes(3)), .enabled(if: PrivatePostgres.isPrivate)) struct FaultTests {
    private func backend(_ pool: ConnectionPool) async throws -> Int32 {
        try await pool.run { try $0.query("select pg_backend_pid()")[0][0, as: Int32.self] }
    }

    @Test func `a connection whose backend is terminated in the middle of a statement is replaced`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, url in
            let other = Fixture.pool(url)
            let gate = Gate<Int32>()
            let victim = Task {
                try await pool.run { session in
                    gate.report(try session.query("select pg_backend_pid()")[0][0, as: Int32.self])
                    try session.query("select pg_sleep(50)")
                }
            }
            let pid = try await gate.next()
            try await other.run { try $0.execute("select pg_terminate_backend(\(pid))") }
            let error = await #expect(throws: PostgresError.self) { try await victim.value }
            #expect(error?.code == .adminShutdown && error?.isConnectionLost == true && error?.isRetryable == true)
            #expect(try await backend(pool) != pid)
            await other.close()
        }
    }

    @Test func `an idle connection that was terminated is replaced before anybody notices`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, url in
            try await pool.run { try $0.script("create table t (n int8)") }
            let other = Fixture.pool(url)
            for round in 1...10 {
                let pid = try await backend(pool)
                try await other.run { try $0.execute("select pg_terminate_backend(\(pid), 5000)") }
                try await pool.transaction { try $0.execute("insert into t values (\(round))") }
            }
            let found = try await pool.run { try $0.query("select * from t").count }
            #expect(found == 10)
            await other.close()
        }
    }

    @Test func `a silent server is given up after statement_timeout and the margin`() async throws {
        try await withPool({
            $0.connectionsMax = 1
            $0.statementTimeout = .milliseconds(100)
            $0.stallMargin = .milliseconds(100)
        }) { pool, _ in
            let pid = try await backend(pool)
            #expect(kill(pid, SIGSTOP) == 0)
            defer { kill(pid, SIGCONT) }
            let error = await #expect(throws: PostgresError.self) { try await pool.run { try $0.execute("select 1") } }
            #expect(error?.code == .connectionFailure && error?.isConnectionLost == true)
            #expect(try await backend(pool) != pid)
        }
    }

    @Test func `calls that may be repeated ride out a restart and a crash of the server`() async throws {
        let server = try PrivatePostgres.start()
        let pool = Fixture.pool(try server.createDatabase()) { $0.acquireTimeout = .seconds(60) }
        let gauge = Gauge()
        let gate = Gate<Bool>()
        let work = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        while !Task.isCancelled, !gate.isFinished {
                            try await pool.run(retryingConnectionLoss: true) {
                                try $0.execute("select pg_sleep(0.005)")
                            }
                            gauge.enter()
                            gate.report(true)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        for fault in 1...3 {
            _ = try await gate.next()
            if fault == 2 { try server.kill() } else { try server.stop() }
            try server.restart()
            let before = gauge.total
            while gauge.total < before + 8 { _ = try await gate.next() }
        }
        gate.finish()
        try await work.value
        await pool.close()
        try server.stop()
    }

    @Test func `while the server is down calls fail clearly, and work again when it is back`() async throws {
        let server = try PrivatePostgres.start()
        let pool = Fixture.pool(server.url(database: "postgres"))
        _ = try await backend(pool)
        try server.stop()
        #expect(server.pid == nil)
        for _ in 0..<2 {
            let error = await #expect(throws: PostgresError.self) { try await backend(pool) }
            #expect(error?.isConnectionLost == true && error?.isRetryable == true)
            #expect(error?.message.contains("database postgres") == true)
        }
        try server.restart()
        _ = try await backend(pool)
        await pool.close()
        try server.stop()
    }
}
