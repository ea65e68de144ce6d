// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd coordinator`.
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Run the API and the coordinator's rooms against a database; any number of them may run.",
        discussion: """
            Needs database.url and vault.directory or vault.s3. Prints one line when it can serve: \
            shardline coordinator ready url=http://HOST:PORT
            """)

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        try await DaemonRun.run(flags) { try await $0.coordinator() }
    }
}
