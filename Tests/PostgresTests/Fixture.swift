// SPDX-License-Identifier: Apache-2.0
import Logging
import Postgres
import PostgresTesting

/// A fresh database in the shared cluster and a pool on it.
struct Fixture {
    let url: String
    let pool: ConnectionPool

    /// Makes the database; `change` adjusts the pool's configuration.
    init(_ change: (inout PoolConfiguration) -> Void = { _ in }) throws {
        url = try PrivatePostgres.shared().createDatabase()
        pool = Fixture.pool(url, change)
    }

    /// A pool on some URL.
    static func pool(_ url: String, _ change: (inout PoolConfiguration) -> Void = { _ in }) -> ConnectionPool {
        var configuration = PoolConfiguration(url: url)
        change(&configuration)
        return ConnectionPool(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Runs a test body against a fresh database and closes the pool afterwards.
func withPool(
    _ change: (inout PoolConfiguration) -> Void = { _ in },
    _ body: (ConnectionPool, String) async throws -> Void
) async throws {
    let fixture = try Fixture(change)
    do {
        try await body(fixture.pool, fixture.url)
    } catch {
        await fixture.pool.close()
        throw error
    }
    await fixture.pool.close()
}
