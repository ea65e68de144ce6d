// SPDX-License-Identifier: Apache-2.0

internal import BatchMigrations
internal import Postgres

/// Why a database cannot be used by this program.
package struct SchemaError: Error, CustomStringConvertible, Sendable {
    /// What is wrong and what to do.
    package let description: String
}

extension Store {
    /// Applies every step that is missing, each in its own transaction, and returns the names applied.
    ///
    /// Several programs may start at once: an advisory lock makes the others wait, and then they find nothing to do.
    package func migrate() async throws -> [String] {
        try await checkServerVersion()
        var applied: [String] = []
        for migration in Migrations.all {
            let isNew = try await pool.transaction { session in
                try session.query("select pg_advisory_xact_lock(7415206938271)")
                try session.script(Self.historyTable)
                guard try Self.isMissing(migration, session) else { return false }
                try session.script(migration.sql)
                try session.execute(
                    """
                    insert into schema_migrations (name, checksum) \
                    values (\(migration.name), \(Self.checksum(migration.sql)))
                    """)
                return true
            }
            if isNew { applied.append(migration.name) }
        }
        try await refuseNewerSchema()
        return applied
    }

    /// The names of the steps that `migrate` would apply.
    package func pendingMigrations() async throws -> [String] {
        try await checkServerVersion()
        return try await pool.run { session in
            let rows = try session.query("select to_regclass('schema_migrations') is not null as known")
            guard try rows.first?["known", as: Bool.self] == true else { return Migrations.all.map(\.name) }
            return try Migrations.all.filter { try Self.isMissing($0, session) }.map(\.name)
        }
    }

    /// The whole history as one SQL script for people who apply schema changes by hand.
    package static func migrationScript() -> String {
        var script = historyTable + "\n"
        for migration in Migrations.all {
            script += "\n-- \(migration.name)\nbegin;\n\(migration.sql)"
            script += "insert into schema_migrations (name, checksum) values ('\(migration.name)', "
            script += "'\(checksum(migration.sql))');\ncommit;\n"
        }
        return script
    }

    private static let historyTable = """
        create table if not exists schema_migrations (
            name text primary key,
            checksum text not null,
            applied_at timestamptz not null default clock_timestamp()
        );
        """

    private static func isMissing(_ migration: Migration, _ session: Session) throws -> Bool {
        let rows = try session.query("select checksum from schema_migrations where name = \(migration.name)")
        guard let row = rows.first else { return true }
        guard try row["checksum", as: String.self] == checksum(migration.sql) else {
            throw SchemaError(
                description: """
                    the database's step \(migration.name) differs from this program's: it was applied by another \
                    build; use the program version that made this database, or a fresh database
                    """)
        }
        return false
    }

    /// FNV-1a, 64 bits: detects an edited step; it need not resist an attacker, who could edit the tables instead.
    private static func checksum(_ sql: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 {
            hash ^= UInt64(byte)
            hash &*= 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    private func checkServerVersion() async throws {
        let version = try await pool.run { session in
            try session.query("select current_setting('server_version_num')::int8 as version").first?[
                "version", as: Int64.self] ?? 0
        }
        guard version >= 140_000 else {
            throw SchemaError(
                description: "the PostgreSQL server is version \(version / 10_000): 14 or newer is needed")
        }
    }

    private func refuseNewerSchema() async throws {
        let known = Migrations.all.map(\.name)
        let unknown = try await pool.run { session in
            try session.query("select name from schema_migrations where not name = any(\(known)) order by name")
                .map { try $0["name", as: String.self] }
        }
        guard let first = unknown.first else { return }
        throw SchemaError(
            description: "the database has step \(first), which this program does not know: use a newer shardline")
    }
}
