// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker against a database; any number of them may run.",
        discussion: """
            Needs database.url and backends, nothing else: no shared disk, no address of a coordinator. Prints one \
            line when it begins: shardline worker ready id=ID
            """)

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        try await DaemonRun.run(flags) { try await $0.worker() }
    }
}
