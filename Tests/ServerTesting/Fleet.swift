// SPDX-License-Identifier: Apache-2.0

import Foundation
package import PostgresTesting

/// Coordinators and workers as separate processes over one database and one vault.
package struct Fleet: Sendable {
    /// Whatever is started for it lives here.
    package let scratch: Scratch
    /// Its database; an empty one that the first process migrates.
    package let database: String
    /// The cluster behind it.
    package let postgres: PrivatePostgres
    private let key: String

    /// A fleet without processes, over a fresh and empty database of `postgres`; nothing but ``batchd(_:)`` works yet.
    package init(in scratch: Scratch, postgres: PrivatePostgres) throws {
        try self.init(scratch: scratch, postgres: postgres, database: postgres.createDatabase(), key: "")
    }

    private init(scratch: Scratch, postgres: PrivatePostgres, database: String, key: String) {
        (self.scratch, self.postgres, self.database, self.key) = (scratch, postgres, database, key)
        scratch.keep(postgres)
    }

    /// A fleet without processes, over a fresh database with its schema and a key.
    package static func prepared(in scratch: Scratch, postgres: PrivatePostgres) async throws -> Fleet {
        let empty = try Fleet(in: scratch, postgres: postgres)
        _ = try await empty.done(["migrate"])
        let key = try await empty.done(["keys", "create", "--project", "tests"])
        return Fleet(scratch: scratch, postgres: postgres, database: empty.database, key: key)
    }

    /// What a command prints that has to succeed.
    private func done(_ arguments: [String]) async throws -> String {
        let process = try await batchd(arguments)
        guard process.end == .exited(0) else { throw HarnessError("batchd \(arguments): \(process.logTail)") }
        return process.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private var environment: [String: String?] {
        ["SHARDLINE_DATABASE_URL": database, "SHARDLINE_VAULT_DIRECTORY": scratch.path("vault")]
    }

    /// Starts a coordinator with its API on a free port and waits until it is ready.
    package func coordinator(_ arguments: [String] = []) async throws -> (process: ChildProcess, server: ServerAddress)
    {
        let process = try ChildProcess(
            Products.program("batchd"), ["coordinator", "--port", "0"] + arguments, environment: environment,
            name: "coordinator", in: scratch)
        let line = try await process.line(beginningWith: "shardline coordinator ready ")
        return (process, try ServerAddress(readyLine: "\(line) key=\(key)"))
    }

    /// Starts a worker that calls `backend` and waits until it is ready.
    package func worker(_ backend: Backend, _ arguments: [String] = []) async throws -> ChildProcess {
        let process = try ChildProcess(
            Products.program("batchd"), ["worker", "--backend", backend.baseURL] + arguments, environment: environment,
            name: "worker", in: scratch)
        _ = try await process.line(beginningWith: "shardline worker ready")
        return process
    }

    /// Runs a command such as `migrate` to its end.
    package func batchd(_ arguments: [String]) async throws -> ChildProcess {
        let process = try ChildProcess(
            Products.program("batchd"), arguments, environment: environment, name: "batchd", in: scratch)
        try await process.end()
        return process
    }

    /// Runs one statement with psql, outside of everything under test, and returns what it prints: rows as lines.
    package func query(_ sql: String) async throws -> String {
        let process = try ChildProcess(
            "psql",
            ["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command=\(sql)", database],
            name: "psql", in: scratch)
        guard try await process.end() == .exited(0) else { throw HarnessError("\(sql): \(process.logTail)") }
        return process.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Makes every write to `table` wait until ``unlock()``, so that a test can stop a process exactly there.
    package func lock(_ table: String) async throws {
        let hold = "begin; lock table \(table) in share mode; select pg_sleep(600)"
        _ = try ChildProcess(
            "psql", ["--no-psqlrc", "--command=set application_name = 'gate'", "--command=\(hold)", database],
            name: "gate", in: scratch)
        _ = try await eventually("lock on \(table)") {
            let sql =
                "select count(*) from pg_locks where relation = '\(table)'::regclass and mode = 'ShareLock' and granted"
            return try await query(sql) == "1" ? true : nil
        }
    }

    /// Waits until somebody waits for the lock.
    package func someoneIsBlocked() async throws {
        _ = try await eventually("somebody at the lock") {
            try await query("select count(*) from pg_locks where not granted") == "0" ? nil : true
        }
    }

    /// Lets everybody through again.
    package func unlock() async throws {
        let terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'gate'"
        _ = try await query(terminate)
    }
}
