// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The daemon's command line.
@main
struct Batchd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batchd",
        abstract: "Shardline's server: accepts batch files and runs their lines on your backends.",
        discussion: """
            Start with: batchd standalone --backend http://host:8000/v1

            Settings come from flags, SHARDLINE_… variables, a YAML file (--config) and defaults, in this order; \
            `batchd settings` lists them. SIGTERM or SIGINT stops in order, a second one at once.

            \(ExitCodes.help)
            """,
        version: Version.text,
        subcommands: [
            StandaloneCommand.self, CoordinatorCommand.self, WorkerCommand.self, MigrateCommand.self,
            CheckCommand.self, KeysCommand.self, AccessKeysCommand.self, ObjectStoresCommand.self,
            SettingsCommand.self, BenchCommand.self,
        ])
}
