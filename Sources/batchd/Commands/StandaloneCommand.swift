// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd standalone`.
struct StandaloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standalone",
        abstract: "Run everything in one process, with a private PostgreSQL in the data directory.",
        discussion: """
            Prints one line when it can serve: shardline ready url=http://127.0.0.1:PORT key=KEY
            The key is the same at every start with the same data directory. Logs go to standard error.
            """)

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        try await DaemonRun.run(flags) { try await $0.standalone() }
    }
}
