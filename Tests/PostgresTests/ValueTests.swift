// SPDX-License-Identifier: Apache-2.0
import Postgres
import PostgresTesting
import Testing

@Suite struct ValueTests {
    /// Sends values one by one and reads them back through the server.
    private func roundTrip<Value: PostgresBindable & PostgresDecodable & Equatable>(
        _ pool: ConnectionPool, _ values: [Value], as type: StaticString
    ) async throws {
        for value in values {
            let back = try await pool.run { session in
                try session.query("select \(value)::\(unescaped: type) as v")[0]["v", as: Value.self]
            }
            #expect(back == value)
        }
    }

    @Test func `every type comes back as it was bound, extremes and empty values included`() async throws {
        try await withPool { pool, _ in
            try await roundTrip(pool, [true, false], as: "bool")
            try await roundTrip(pool, [Int16.min, 0, .max], as: "int2")
            try await roundTrip(pool, [Int32.min, -1, 0, .max], as: "int4")
            try await roundTrip(pool, [Int64.min, -1, 0, .max], as: "int8")
            try await roundTrip(pool, [Int.min, 0, .max], as: "int8")
            try await roundTrip(
                pool, [-0.0, 1.5, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude], as: "float8"
            )
            try await roundTrip(pool, ["", "a", "naïve 漢字 🧪", String(repeating: "x", count: 100_000)], as: "text")
            try await roundTrip(
                pool, [[], [0], [0, 1, 0, 255], [UInt8](repeating: 7, count: 10_000_000)], as: "bytea")
            try await roundTrip(pool, [nil, 1] as [Int?], as: "int8")
            try await roundTrip(pool, [nil, ""] as [String?], as: "text")
            try await roundTrip(pool, [nil, []] as [[UInt8]?], as: "bytea")
            try await roundTrip(pool, [nil, true] as [Bool?], as: "bool")
        }
    }

    @Test func `arrays come back as they were bound`() async throws {
        try await withPool { pool, _ in
            try await roundTrip(pool, [[], ["", "a,\"b\"", "{}", "NULL"]], as: "text[]")
            try await roundTrip(pool, [[], [Int64.min, 0, .max]], as: "int8[]")
            try await roundTrip(pool, [[], [Int32.min, 0, .max]], as: "int4[]")
            try await roundTrip(pool, [[], [Int.max]], as: "int8[]")
            try await roundTrip(pool, [[], [true, false]], as: "bool[]")
            try await roundTrip(pool, [[], [1.5]], as: "float8[]")
            try await roundTrip(pool, [[], [[], [0, 255], [1]]], as: "bytea[]")
            try await roundTrip(pool, [[], [Timestamp(microseconds: 1)]], as: "timestamptz[]")
        }
    }

    @Test func `instants keep their microseconds from before 1970 to infinity`() async throws {
        try await withPool { pool, _ in
            let instants = [0, -1, 1, 1_763_700_000_123_456, -62_000_000_000_000_000].map(Timestamp.init(microseconds:))
            try await roundTrip(pool, instants + [.distantPast, .distantFuture], as: "timestamptz")
            let text = try await pool.run { session in
                try session.query("select \(Timestamp(microseconds: 1_500_000))::text as t")[0]["t", as: String.self]
            }
            #expect(text == "1970-01-01 00:00:01.5+00")
            let far = try await pool.run { session in
                try session.query("select 'infinity'::timestamptz as t")[0]["t", as: Timestamp.self]
            }
            #expect(far == .distantFuture)
        }
    }

    @Test func `durations are intervals and can be added to a clock`() async throws {
        try await withPool { pool, _ in
            try await roundTrip(
                pool, [Duration.zero, .microseconds(1), .seconds(-3), .seconds(86_400 * 365)], as: "interval")
            let holds = try await pool.run { session in
                let ttl = Duration.milliseconds(1500)
                return try session.query("select now() + \(ttl) = now() + interval '1.5 seconds'")[0][0, as: Bool.self]
            }
            #expect(holds)
            let days = try await pool.run { session in
                try session.query("select interval '2 days 1 second'")[0][0, as: Duration.self]
            }
            #expect(days == .seconds(172_801))
        }
    }

    @Test func `values never become part of the statement`() async throws {
        let name = "'; drop table x; --"
        let query: Query = "select \(name), \([UInt8(1)][...]), \(unescaped: "1 as one") where \(true)"
        #expect(query.sql == "select $1, $2, 1 as one where $3")
        let condition: Fragment = "a = \(1)"
        let combined: Query = "select \(2) where \(condition + " and b = \("x")")"
        #expect(combined.sql == "select $1 where a = $2 and b = $3")
    }

    @Test func `integers and text widen, and lossy reads name the column and both types`() async throws {
        try await withPool { pool, _ in
            try await pool.run { session in
                let row = try session.query(
                    """
                    select 1::int2 as small, 2::int4 as middle, '{"a": 1}'::jsonb as document, 3::int8 as big,
                           1.5::numeric as decimal, null::text as nothing, 'c'::varchar as words, 7::oid as oid
                    """)[0]
                #expect(try row["small", as: Int.self] == 1)
                #expect(try row["middle", as: Int64.self] == 2)
                #expect(try row["document", as: String.self] == #"{"a": 1}"#)
                #expect(try row["words", as: [UInt8].self] == Array("c".utf8))
                #expect(try row["oid", as: Int.self] == 7)
                #expect(try row["nothing", as: String?.self] == nil)
                #expect(try row.isNull("nothing"))
                #expect(try row.decode(Int.self, "big") == 3)
                #expect(throws: RowError.self) { try row["big", as: Int32.self] }
                #expect(throws: RowError.self) { try row["absent", as: Int.self] }
                #expect(throws: RowError.self) { try row[99, as: Int.self] }
                #expect(throws: RowError.self) { try row["nothing", as: String.self] }
                let mismatch = #expect(throws: RowError.self) { try row["decimal", as: Int.self] }
                let text = mismatch?.description ?? ""
                #expect(text.contains("\"decimal\"") && text.contains("numeric") && text.contains("Int"))
            }
        }
    }

    @Test func `bytes can be read without a copy, and rows outlive later statements of the closure`() async throws {
        try await withPool { pool, _ in
            try await pool.run { session in
                let rows = try session.query("select \([UInt8]([1, 0, 2])) as pack union all select null order by 1")
                try session.query("select 1")
                #expect(try rows[0].withBytes("pack") { Array($0) } == [1, 0, 2])
                #expect(throws: RowError.self) { try rows[1].withBytes("pack") { $0.count } }
            }
        }
    }
}
