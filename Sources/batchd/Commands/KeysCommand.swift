// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchStore

/// `batchd keys`.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, list and revoke API keys.",
        discussion: """
            Works on database.url, or on the database of a standalone batchd that runs in --data-dir.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    /// `batchd keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key for a project, and the project when there is none; the key is shown this once.")

        /// The project by name.
        @Option(help: "The project's name.")
        var project: String

        /// What lists call the key.
        @Option(help: "What the key is called in lists.")
        var name = "key"

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                let key = ProjectKey.random()
                let id = try await store.ensureProject(name: project)
                try await store.insertAPIKey(
                    project: id, sha256: key.sha256, prefix: key.shownPrefix, name: name)
                StandardOutput.line(key.text)
            }
        }
    }

    /// `batchd keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List keys by their beginning: id, project, beginning, name, made, revoked.")

        /// The project by name.
        @Option(help: "Only those of this project.")
        var project: String?

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                for key in try await store.listAPIKeys() where project == nil || key.projectName == project {
                    let state = key.revokedAt.map { "revoked \(StoreSession.moment($0))" } ?? "good"
                    let fields = [
                        String(key.keyID), key.projectName, key.prefix + "…", key.name,
                        StoreSession.moment(key.createdAt), state,
                    ]
                    StandardOutput.line(fields.joined(separator: "\t"))
                }
            }
        }
    }

    /// `batchd keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke keys: one by its id, or all of a project; servers follow within api.key_trust.")

        /// The key by its id.
        @Argument(help: "The key's id, as `batchd keys list` shows it.")
        var id: Int64?

        /// The project by name.
        @Option(help: "Revoke every key of this project.")
        var project: String?

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Refuses arguments that make no sense together.
        func validate() throws {
            if (id == nil) == (project == nil) {
                throw ValidationError("name either a key's id (`batchd keys list`) or --project")
            }
        }

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                let good = try await store.listAPIKeys().filter { key in
                    key.revokedAt == nil && (key.keyID == id || key.projectName == project)
                }
                var revoked = 0
                for key in good where try await store.revokeAPIKey(keyID: key.keyID) { revoked += 1 }
                guard revoked > 0 else {
                    throw ProgramFault(
                        exitCode: ExitCodes.failure,
                        description: "there is no such key that is still good; `batchd keys list` shows them all")
                }
                StandardOutput.line("revoked \(revoked)")
            }
        }
    }
}
