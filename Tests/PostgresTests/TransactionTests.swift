// SPDX-License-Identifier: Apache-2.0
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct TransactionTests {
    private struct Refusal: Error {}
    private struct Wrapped: Error { let cause: any Error }

    private func table(_ pool: ConnectionPool) async throws {
        try await pool.run { session in
            try session.script("create table t (id int8 primary key, n int8); insert into t values (1, 0), (2, 0)")
        }
    }

    private func total(_ pool: ConnectionPool) async throws -> Int {
        try await pool.run { try $0.query("select sum(n)::int8 from t")[0][0, as: Int.self] }
    }

    @Test func `a transaction commits when its closure returns and rolls back when it throws`() async throws {
        try await withPool { pool, _ in
            try await table(pool)
            #expect(try await pool.transaction { try $0.execute("update t set n = 1") } == 2)
            #expect(try await total(pool) == 2)
            await #expect(throws: Refusal.self) {
                try await pool.transaction { session in
                    try session.execute("update t set n = 100")
                    throw Refusal()
                }
            }
            #expect(try await total(pool) == 2)
        }
    }

    @Test func `a failed statement that the closure hides does not pass for a commit`() async throws {
        try await withPool { pool, _ in
            try await table(pool)
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { session in
                    try session.execute("update t set n = 1")
                    do { try session.execute("insert into t values (1, 1)") } catch is PostgresError {}
                }
            }
            #expect(error?.isUniqueViolation == true)
            #expect(try await total(pool) == 0)
        }
    }

    @Test func `a deadlock is resolved by running one of the closures again`() async throws {
        try await withPool { pool, _ in
            try await table(pool)
            let gauge = Gauge()
            let here = Gate<Bool>()
            let there = Gate<Bool>()
            // Each first attempt takes its row and waits until the other one has taken its own.
            @Sendable func swap(_ session: Session, _ rows: (Int, Int), mine: Gate<Bool>, other: Gate<Bool>) throws {
                gauge.enter()
                defer { gauge.leave() }
                try session.execute("update t set n = n + 1 where id = \(rows.0)")
                if gauge.total <= 2 {
                    other.open()
                    mine.wait()
                }
                try session.execute("update t set n = n + 1 where id = \(rows.1)")
            }
            async let left: Void = pool.transaction { try swap($0, (1, 2), mine: here, other: there) }
            async let right: Void = pool.transaction { try swap($0, (2, 1), mine: there, other: here) }
            _ = try await (left, right)
            #expect(try await total(pool) == 4)
            #expect(gauge.total >= 3)
        }
    }

    @Test func `a conflict is retried even when the closure wraps it, but not for ever`() async throws {
        try await withPool({ $0.transactionAttemptsMax = 3 }) { pool, _ in
            let gauge = Gauge()
            let conflict = "do $$ begin raise exception 'x' using errcode = '40001'; end $$"
            let value = try await pool.transaction { session in
                gauge.enter()
                if gauge.total < 3 {
                    do { try session.script(conflict) } catch { throw Wrapped(cause: error) }
                }
                return gauge.total
            }
            #expect(value == 3)
            let always = Gauge()
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { session in
                    always.enter()
                    try session.script(conflict)
                }
            }
            #expect(error?.isTransactionConflict == true)
            #expect(always.total == 3)
        }
    }

    @Test func `a connection lost during COMMIT is told apart from one lost before`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            try await table(pool)
            try await pool.run { session in
                try session.script(
                    """
                    create function die() returns trigger language plpgsql as
                        $$ begin
                            perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(10); return null;
                        end $$;
                    create constraint trigger die after update on t deferrable initially deferred
                        for each row execute function die();
                    """)
            }
            let during = await #expect(throws: PostgresError.self) {
                try await pool.transaction { try $0.execute("update t set n = 9 where id = 1") }
            }
            #expect(during?.commitUnknown == true && during?.isConnectionLost == true)
            let before = await #expect(throws: PostgresError.self) {
                try await pool.transaction { session in
                    try session.execute("select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)")
                }
            }
            #expect(before?.commitUnknown == false && before?.isConnectionLost == true)
            #expect(before?.code == .adminShutdown)
            #expect(try await total(pool) == 0)
        }
    }

    @Test func `a deferred constraint that fails at COMMIT is an ordinary error`() async throws {
        try await withPool { pool, _ in
            try await pool.run { session in
                try session.script("create table u (id int8 unique deferrable initially deferred)")
            }
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { try $0.execute("insert into u values (1), (1)") }
            }
            #expect(error?.isUniqueViolation == true && error?.commitUnknown == false)
        }
    }
}
