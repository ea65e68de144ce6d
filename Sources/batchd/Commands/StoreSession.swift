// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Foundation
import Sealing

/// What the operator's commands on the database have in common.
enum StoreSession {
    /// Runs `body` on the configured database, or on that of the standalone batchd that runs in the data directory.
    static func run(_ flags: SettingFlags, _ body: (Store, Settings) async throws -> Void) async throws {
        try await CommandRun.reporting {
            let (resolved, logger) = try CommandRun.settings(flags)
            let url = try CommandRun.databaseURL(resolved.settings)
            let store = Assembly(settings: resolved.settings, logger: logger).store(url: url)
            do {
                try await store.ping()
            } catch {
                throw DatabaseReadiness.unreachable(url: url, error)
            }
            try await body(store, resolved.settings)
            await store.close()
        }
    }

    /// The configured key that seals secrets, else that of the data directory.
    static func sealingKey(_ settings: Settings) throws -> SealingKey {
        if let key = SealingKey(settings.sealingKey) { return key }
        guard let directory = DataDirectory.existing(settings.standalone.dataDirectory), settings.database.url.isEmpty
        else {
            throw SettingsError(problems: [
                "sealing_key is not set: secrets are kept sealed only; make one with `openssl rand -base64 32`"
            ])
        }
        return try SealingKey.kept(in: directory)
    }

    /// The project of that name, which must be there.
    static func project(_ name: String, _ store: Store) async throws -> ProjectID {
        guard let id = try await store.findProject(name: name) else {
            throw ProgramFault(
                exitCode: ExitCodes.failure,
                description: "there is no project \"\(name)\"; `batchd keys create --project \(name)` makes it")
        }
        return id
    }

    /// A moment of Unix seconds as lists show it, in UTC.
    static func moment(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}
