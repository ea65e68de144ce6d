// SPDX-License-Identifier: Apache-2.0

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

    /// A fleet without processes, over a fresh database of `postgres`.
    package init(in scratch: Scratch, postgres: PrivatePostgres) throws {
        self.scratch = scratch
        self.postgres = postgres
        database = try postgres.createDatabase()
        key = "sk-tests-0123456789abcdef0123456789abcdef"
    }

    private var environment: [String: String?] {
        ["SHARDLINE_DATABASE_URL": database, "SHARDLINE_VAULT": scratch.path("vault"), "SHARDLINE_BOOTSTRAP_KEY": key]
    }

    /// Starts a coordinator with its API on a free port and waits until it is ready.
    package func coordinator(_ arguments: [String] = []) async throws -> (process: ChildProcess, server: ServerAddress) {
        let process = try ChildProcess(
            Products.program("batchd"), ["coordinator", "--port", "0"] + arguments, environment: environment,
            name: "coordinator", in: scratch)
        let line = try await process.line(beginningWith: "shardline ready ")
        return (process, try ServerAddress(readyLine: "\(line) key=\(key)"))
    }

    /// Starts a worker that calls `backend` and waits until it is ready.
    package func worker(_ backend: Backend, _ arguments: [String] = []) async throws -> ChildProcess {
        let process = try ChildProcess(
            Products.program("batchd"), ["worker", "--backend", backend.baseURL] + arguments, environment: environment,
            name: "worker", in: scratch)
        _ = try await process.line(beginningWith: "shardline ready")
        return process
    }

    /// Runs a command such as `migrate` to its end.
    package func batchd(_ arguments: [String]) async throws -> ChildProcess {
        let process = try ChildProcess(
            Products.program("batchd"), arguments, environment: environment, name: "batchd", in: scratch)
        try await process.end()
        return process
    }
}
