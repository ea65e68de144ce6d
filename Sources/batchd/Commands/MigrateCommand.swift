// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchStore

/// `batchd migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database's schema up to date.",
        discussion: "With --check: exit code 0 when it is up to date, 2 when migrations are missing.")

    /// Whether to print only.
    @Flag(help: "Print the whole schema history as SQL, for people who apply it by hand; needs no database.")
    var print = false

    /// Whether to look only.
    @Flag(help: "Only tell what is missing.")
    var check = false

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Refuses arguments that make no sense together.
    func validate() throws {
        if print && check { throw ValidationError("--print and --check exclude each other") }
    }

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        if print { return StandardOutput.line(Store.migrationScript()) }
        try await CommandRun.reporting {
            let (resolved, logger) = try CommandRun.settings(flags)
            let url = try CommandRun.databaseURL(resolved.settings)
            let store = Assembly(settings: resolved.settings, logger: logger).store(url: url, isPatient: true)
            do {
                try await store.ping()
            } catch {
                throw DatabaseReadiness.unreachable(url: url, error)
            }
            let isUpToDate = check ? try await tellPending(store) : try await apply(store)
            await store.close()
            if !isUpToDate { throw ExitCode(ExitCodes.pending) }
        }
    }

    private func tellPending(_ store: Store) async throws -> Bool {
        let pending = try await store.pendingMigrations()
        pending.forEach { StandardOutput.line("missing \($0)") }
        if pending.isEmpty { StandardOutput.line("the database is up to date") }
        return pending.isEmpty
    }

    private func apply(_ store: Store) async throws -> Bool {
        let applied = try await store.migrate()
        applied.forEach { StandardOutput.line("applied \($0)") }
        if applied.isEmpty { StandardOutput.line("the database is up to date") }
        return true
    }
}
