// SPDX-License-Identifier: Apache-2.0
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct BulkTests {
    private struct Refusal: Error {}

    private func table(_ pool: ConnectionPool) async throws {
        try await pool.run { session in
            try session.script(
                """
                create schema "Odd Name";
                create table "Odd Name".rows (id int8 primary key, n int4, s int2, body bytea, label text,
                                              at timestamptz, ok bool, x float8);
                """)
        }
    }

    private static let columns = ["id", "n", "s", "body", "label", "at", "ok", "x"]

    @Test func `COPY stores a hundred thousand rows of all types as they were written`() async throws {
        try await withPool { pool, _ in
            try await table(pool)
            let stored = try await pool.transaction { session in
                try session.copyIn("Odd Name.rows", columns: Self.columns) { writer in
                    for id in 0..<Int64(100_000) {
                        try writer.row { row in
                            row.int8(id)
                            row.int4(Int32(id % 1000))
                            if id % 2 == 0 { row.null() } else { row.int2(-1) }
                            row.bytea([UInt8](repeating: UInt8(truncatingIfNeeded: id), count: Int(id % 50)))
                            row.text("zeile \(id) ü")
                            row.timestamptz(Timestamp(microseconds: id))
                            row.bool(id % 3 == 0)
                            row.value(Double(id) / 2)
                        }
                    }
                }
            }
            #expect(stored == 100_000)
            let totals: [Int] = try await pool.run { session in
                let row = try session.query(
                    """
                    select count(*) as rows, sum(n)::int8 as n, sum(length(body))::int8 as bytes, count(s) as odd,
                           count(*) filter (where ok) as thirds, sum(x) as x,
                           bool_and(label = 'zeile ' || id || ' ü' and at = 'epoch'::timestamptz + id * interval '1 us'
                                    and (id % 50 = 0 or get_byte(body, 0) = id % 256)) as same
                    from "Odd Name".rows
                    """)[0]
                return [
                    try row["rows", as: Int.self], try row["n", as: Int.self], try row["bytes", as: Int.self],
                    try row["odd", as: Int.self], try row["thirds", as: Int.self],
                    Int(try row["x", as: Double.self]), try row["same", as: Bool.self] ? 1 : 0,
                ]
            }
            #expect(totals == [100_000, 49_950_000, 2_450_000, 50_000, 33_334, 2_499_975_000, 1])
        }
    }

    @Test func `COPY takes fields larger than its pieces`() async throws {
        try await withPool { pool, _ in
            try await table(pool)
            let size = 20_000_001
            let length = try await pool.run { session in
                try session.copyIn("Odd Name.rows", columns: ["id", "body"]) { writer in
                    try writer.row { row in
                        row.int8(1)
                        row.bytea([UInt8](repeating: 1, count: size))
                    }
                }
                return try session.query("select length(body) from \"Odd Name\".rows")[0][0, as: Int.self]
            }
            #expect(length == size)
        }
    }

    @Test func `COPY stores nothing when its closure throws, a row is short or the server refuses`() async throws {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            try await table(pool)
            try await pool.run { session in
                #expect(throws: Refusal.self) {
                    try session.copyIn("Odd Name.rows", columns: ["id"]) { writer in
                        for id in 0..<Int64(50_000) { try writer.row { $0.int8(id) } }
                        throw Refusal()
                    }
                }
                let short = #expect(throws: PostgresError.self) {
                    try session.copyIn("Odd Name.rows", columns: ["id", "n"]) { try $0.row { $0.int8(1) } }
                }
                #expect(short?.code == .misuse)
                let duplicate = #expect(throws: PostgresError.self) {
                    try session.copyIn("Odd Name.rows", columns: ["id"]) { writer in
                        for _ in 0..<50_000 { try writer.row { $0.int8(1) } }
                    }
                }
                #expect(duplicate?.isUniqueViolation == true)
                let absent = #expect(throws: PostgresError.self) {
                    try session.copyIn("absent", columns: ["id"]) { _ in }
                }
                #expect(absent?.code == .undefinedTable)
                let none = try session.copyIn("Odd Name.rows", columns: ["id"]) { _ in }
                #expect(none == 0)
                #expect(try session.query("select 1 from \"Odd Name\".rows").isEmpty)
            }
        }
    }

    @Test func `forEachRow hands over every row in order`() async throws {
        try await withPool { pool, _ in
            let (count, ordered) = try await pool.run { session in
                var next = 1
                var ordered = true
                try session.forEachRow("select n, repeat('x', 100) as s from generate_series(1, \(200_000)) n") { row in
                    ordered = try ordered && row["n", as: Int.self] == next
                    next += 1
                }
                return (next - 1, ordered)
            }
            #expect(count == 200_000)
            #expect(ordered)
        }
    }

    @Test func `forEachRow stops when its closure throws, and reports an error in the middle of the rows`() async throws
    {
        try await withPool({ $0.connectionsMax = 1 }) { pool, _ in
            try await pool.run { session in
                #expect(throws: Refusal.self) {
                    try session.forEachRow("select generate_series(1, 1000000000)") { _ in throw Refusal() }
                }
                var seen = 0
                let error = #expect(throws: PostgresError.self) {
                    try session.forEachRow("select 1 / (5 - n) from generate_series(1, 9) n") { _ in seen += 1 }
                }
                #expect(error?.sqlstate == "22012")
                #expect(seen == 4)
                let after = try session.query("select 1")
                #expect(after.count == 1)
            }
        }
    }

    @Test func `a script runs all of its statements or none`() async throws {
        try await withPool { pool, _ in
            try await pool.run { session in
                #expect(throws: PostgresError.self) { try session.script("create table a (); select 1 / 0") }
                #expect(try session.query("select 1 where to_regclass('a') is not null").isEmpty)
                try session.script("create table a (); create table b ();")
                #expect(try session.execute("select 1 where to_regclass('b') is not null") == 1)
                #expect(try session.execute("create table c ()") == 0)
            }
        }
    }
}
