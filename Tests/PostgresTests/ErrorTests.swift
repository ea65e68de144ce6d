// SPDX-License-Identifier: Apache-2.0
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ErrorTests {
    /// The error a statement ends with.
    private func failure(_ pool: ConnectionPool, _ query: Query) async -> PostgresError? {
        await #expect(throws: PostgresError.self) { try await pool.run { try $0.execute(query) } }
    }

    @Test func `constraint violations carry constraint, detail and statement`() async throws {
        try await withPool { pool, _ in
            try await pool.run { session in
                try session.script(
                    """
                    create table parent (id int8 primary key);
                    create table child (id int8 not null constraint positive check (id > 0),
                                        parent int8 constraint belongs references parent);
                    insert into parent values (1);
                    """)
            }
            let unique = await failure(pool, "insert into parent values (\(1))")
            #expect(unique?.isUniqueViolation == true)
            #expect(unique?.constraint == "parent_pkey")
            #expect(unique?.detail == "Key (id)=(1) already exists.")
            #expect(unique?.statement == "insert into parent values ($1)")
            #expect(unique?.sqlstate == "23505" && unique?.isRetryable == false)
            #expect(await failure(pool, "insert into child values (0)")?.constraint == "positive")
            #expect(await failure(pool, "insert into child values (0)")?.isCheckViolation == true)
            #expect(await failure(pool, "insert into child values (1, 9)")?.isForeignKeyViolation == true)
            #expect(await failure(pool, "insert into child values (null)")?.code == .notNullViolation)
            #expect(await failure(pool, "select * from nowhere")?.code == .undefinedTable)
            #expect(await failure(pool, "select 1 / 0")?.code == .other(sqlstate: "22012"))
            #expect(await failure(pool, "selec")?.sqlstate == "42601")
            #expect(await failure(pool, "select \("a\0b")")?.sqlstate == "22021")
        }
    }

    @Test func `each SQLSTATE of the retry list is classified`() async throws {
        let retried = [
            "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53100", "53300", "08000", "08006", "25006",
        ]
        let passedOn = ["57014", "25P02", "23505", "42601", "22P02", "XX000", "P0001"]
        try await withPool { pool, _ in
            for code in retried + passedOn {
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.run { session in
                        try session.script("do $$ begin raise exception 'x' using errcode = '\(code)'; end $$")
                    }
                }
                #expect(error?.sqlstate == code)
                #expect(error?.isRetryable == retried.contains(code), "\(code)")
                #expect(error?.isConnectionLost == false, "\(code)")
            }
        }
    }

    @Test func `a statement ends at statement_timeout and a lock wait at lock_timeout`() async throws {
        try await withPool({ $0.statementTimeout = .milliseconds(50) }) { pool, _ in
            let error = await failure(pool, "select pg_sleep(60)")
            #expect(error?.isStatementTimeout == true && error?.isConnectionLost == false)
        }
        try await withPool({ $0.lockTimeout = .milliseconds(50) }) { pool, _ in
            let gate = Gate<Bool>()
            try await pool.run { try $0.script("create table t ()") }
            async let holder: Void = pool.transaction { session in
                try session.script("lock table t")
                gate.report(true)
                gate.wait()
            }
            _ = try await gate.next()
            #expect(await failure(pool, "select * from t")?.isLockNotAvailable == true)
            gate.open()
            try await holder
        }
    }

    @Test func `an unreachable server is named by host, port and database but never with the password`() async {
        let pool = Fixture.pool("postgresql://someone:s3kret@127.0.0.1:1/orders")
        let error = await failure(pool, "select 1")
        let text = error.map(String.init(describing:)) ?? ""
        #expect(text.contains("127.0.0.1:1") && text.contains("orders"))
        #expect(!text.contains("s3kret"))
        #expect(error?.code == .unableToConnect && error?.isConnectionLost == true && error?.isRetryable == true)
        await pool.close()
    }

    @Test func `a URL that cannot be parsed is refused without repeating it`() async {
        let pool = Fixture.pool("postgresql//someone:s3kret@host/db")
        let error = await failure(pool, "select 1")
        #expect(error?.code == .invalidConfiguration && error?.isRetryable == false)
        #expect(!"\(String(describing: error))".contains("s3kret"))
        await pool.close()
    }

    @Test func `a missing database is told apart and not retried`() async throws {
        let pool = Fixture.pool(try PrivatePostgres.shared().url(database: "absent"))
        let error = await #expect(throws: PostgresError.self) {
            try await pool.run(retryingConnectionLoss: true) { try $0.execute("select 1") }
        }
        #expect(error?.code == .unknownDatabase && error?.isRetryable == false)
        await pool.close()
    }

    @Test(.enabled(if: PrivatePostgres.isPrivate))
    func `of several hosts the first that answers is used`() async throws {
        let url = try PrivatePostgres.shared().url(database: "postgres")
        let two = url.replacing("host=", with: "host=/nonexistent,")
        let pool = Fixture.pool(two)
        let database = try await pool.run { try $0.query("select current_database()")[0][0, as: String.self] }
        #expect(database == "postgres")
        await pool.close()
    }

    @Test func `a statement inside forEachRow is refused and the session goes on`() async throws {
        try await withPool { pool, _ in
            let sum = try await pool.run { session in
                let error = #expect(throws: PostgresError.self) {
                    try session.forEachRow("select 1") { _ in try session.query("select 2") }
                }
                #expect(error?.code == .misuse)
                return try session.query("select 3")[0][0, as: Int.self]
            }
            #expect(sum == 3)
        }
    }

    @Test func `COPY sent as a query is refused and the connection replaced`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            #expect(await failure(pool, "copy pg_class to stdout")?.code == .misuse)
            let after = try await pool.run { try $0.query("select 1").count }
            #expect(after == 1)
        }
    }
}
