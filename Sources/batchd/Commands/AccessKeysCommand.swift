// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchStore
import Sealing

/// `batchd access-keys`.
struct AccessKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access-keys",
        abstract: "Make, list and revoke access keys (AK/SK), which sign requests to Ark's API.",
        discussion: """
            Works on database.url, or on the database of a standalone batchd that runs in --data-dir; secrets are \
            sealed with sealing_key.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    /// `batchd access-keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an access key for a project, and the project when there is none.",
            discussion: """
                Prints the access key and its secret, separated by a tab; the secret is shown this once.
                """)

        /// The project by name.
        @Option(help: "The project's name.")
        var project: String

        /// What lists call the access key.
        @Option(help: "What the access key is called in lists.")
        var name = "key"

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, settings in
                let sealingKey = try StoreSession.sealingKey(settings)
                let pair = AccessKeyPair.random()
                let id = try await store.ensureProject(name: project)
                let secret = try sealingKey.seal(
                    Array(pair.secret.utf8), context: AccessKey.context(project: id, id: pair.id))
                guard try await store.insertAccessKey(AccessKey(id: pair.id, project: id, secret: secret), name: name)
                else {
                    throw ProgramFault(
                        exitCode: ExitCodes.failure,
                        description: "the access key \(pair.id) is there already; run the command again")
                }
                StandardOutput.line("\(pair.id)\t\(pair.secret)")
            }
        }
    }

    /// `batchd access-keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List access keys: access key, project, name, made, last used, good or revoked.")

        /// The project by name.
        @Option(help: "Only those of this project.")
        var project: String?

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                for key in try await store.listAccessKeys() where project == nil || key.projectName == project {
                    let fields = [
                        key.id, key.projectName, key.name, StoreSession.moment(key.createdAt),
                        key.lastUsedAt.map(StoreSession.moment) ?? "never",
                        key.revokedAt.map { "revoked \(StoreSession.moment($0))" } ?? "good",
                    ]
                    StandardOutput.line(fields.joined(separator: "\t"))
                }
            }
        }
    }

    /// `batchd access-keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke access keys: one, or all of a project; servers follow within api.key_trust.")

        /// The access key.
        @Argument(help: "The access key, as `batchd access-keys list` shows it.")
        var id: String?

        /// The project by name.
        @Option(help: "Revoke every access key of this project.")
        var project: String?

        /// The flags of the settings.
        @OptionGroup var flags: SettingFlags

        /// Refuses arguments that make no sense together.
        func validate() throws {
            if (id == nil) == (project == nil) {
                throw ValidationError("name either an access key (`batchd access-keys list`) or --project")
            }
        }

        /// Runs the command; an error has been reported when it throws.
        func run() async throws {
            try await StoreSession.run(flags) { store, _ in
                let good = try await store.listAccessKeys().filter { key in
                    key.revokedAt == nil && (key.id == id || key.projectName == project)
                }
                var revoked = 0
                for key in good where try await store.revokeAccessKey(id: key.id) { revoked += 1 }
                guard revoked > 0 else {
                    throw ProgramFault(
                        exitCode: ExitCodes.failure,
                        description: "there is no such access key that is still good; `batchd access-keys list` shows "
                            + "them all")
                }
                StandardOutput.line("revoked \(revoked)")
            }
        }
    }
}
