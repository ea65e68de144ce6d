// SPDX-License-Identifier: Apache-2.0
import BatchStore
import Logging
import Postgres

/// Gets a starting process to a database that it can work with.
struct DatabaseReadiness: Sendable {
    /// What is configured.
    let settings: DatabaseSettings
    /// Hears of waiting.
    let logger: Logger

    /// Waits until the database answers.
    ///
    /// - Throws: ``ProgramFault`` when it does not within `database.start_wait`.
    private func answer(_ store: Store) async throws {
        let end = ContinuousClock.now + settings.startWait
        var isFirst = true
        while true {
            do {
                try await store.ping()
                return
            } catch let error as PostgresError {
                guard error.isConnectionLost || error.isRetryable, ContinuousClock.now < end else {
                    throw Self.unreachable(url: settings.url, error)
                }
                if isFirst { logger.warning("waiting for the database", metadata: ["error": "\(error)"]) }
                isFirst = false
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Waits until the database answers and has the schema; one that goes away in between is waited for once more.
    ///
    /// - Throws: ``ProgramFault`` when that does not come about within `database.start_wait`.
    func prepare(_ store: Store, migrates: Bool) async throws {
        let end = ContinuousClock.now + settings.startWait
        while true {
            try await answer(store)
            do {
                return try await schema(store, migrates: migrates)
            } catch let error as PostgresError where error.isConnectionLost && ContinuousClock.now < end {
                logger.warning("the database went away again", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Applies missing migrations, or refuses to start without them.
    private func schema(_ store: Store, migrates: Bool) async throws {
        if migrates {
            let applied = try await store.migrate()
            if !applied.isEmpty {
                logger.notice("migrated the database", metadata: ["applied": "\(applied.joined(separator: " "))"])
            }
            return
        }
        let pending = try await store.pendingMigrations()
        guard pending.isEmpty else {
            throw ProgramFault(
                exitCode: ExitCodes.failure,
                description: """
                    the database lacks \(pending.count) migrations (\(pending.joined(separator: ", "))): \
                    run `batchd migrate`, or start with --set database.migrate=true
                    """)
        }
    }

    /// The database cannot be reached, in words for the operator.
    static func unreachable(url: String, _ error: any Error) -> ProgramFault {
        ProgramFault(
            exitCode: ExitCodes.unavailable,
            description: """
                the database \(PasswordMask.masked(url)) cannot be reached: \(error): start it, or correct \
                database.url (SHARDLINE_DATABASE_URL, --database-url)
                """)
    }
}
