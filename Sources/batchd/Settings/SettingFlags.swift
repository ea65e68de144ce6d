// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The flags that settings have; the same for every subcommand.
struct SettingFlags: ParsableArguments {
    /// Path of the configuration file.
    @Option(help: "Configuration file (YAML); `batchd settings --yaml` prints one.")
    var config: String?

    /// `name=value` of any setting.
    @Option(name: .customLong("set"), help: "Any setting: name=value; `batchd settings` lists them. Repeatable.")
    var assignments: [String] = []

    /// `data_dir`.
    @Option(help: "Where `standalone` keeps database, key and files (default: ./.shardline).")
    var dataDir: String?

    /// `database.url`.
    @Option(help: "PostgreSQL, as libpq URL or connection string.")
    var databaseURL: String?

    /// `vault.directory`.
    @Option(help: "Directory of stored files.")
    var vault: String?

    /// `api.host`.
    @Option(help: "Address to listen on (default: 127.0.0.1).")
    var host: String?

    /// `api.port`.
    @Option(help: "Port to listen on, 0 for a free one (default: 8080).")
    var port: String?

    /// `backend`.
    @Option(help: "OpenAI-compatible server, such as http://host:8000/v1.")
    var backend: String?

    /// `worker.concurrency`.
    @Option(help: "Calls in flight of one worker (default: 64).")
    var concurrency: String?

    /// `standalone.workers`.
    @Option(help: "Workers inside `standalone` (default: 1).")
    var workers: String?

    /// `log.level`.
    @Option(help: "trace, debug, info, notice, warning, error, critical (default: info).")
    var logLevel: String?

    /// `log.format`.
    @Option(help: "text or json (default: text).")
    var logFormat: String?

    /// What was given, by setting.
    var given: ResolvedSettings.Flags {
        get throws {
            var flags = ResolvedSettings.Flags()
            flags.configurationPath = config
            for assignment in assignments {
                guard let equals = assignment.firstIndex(of: "=") else {
                    throw ValidationError("--set \(assignment): write --set name=value")
                }
                let name = String(assignment[..<equals])
                let value = String(assignment[assignment.index(after: equals)...])
                flags.values[name] = (value, "--set \(name)")
            }
            for (name, value) in own {
                guard let value, let flag = SettingsTable.row(name)?.flag else { continue }
                flags.values[name] = (value, flag)
            }
            return flags
        }
    }

    /// The setting of each flag. A test compares it with the table.
    var own: [(name: String, value: String?)] {
        [
            ("data_dir", dataDir), ("database.url", databaseURL), ("vault.directory", vault), ("api.host", host),
            ("api.port", port), ("backend", backend), ("worker.concurrency", concurrency),
            ("standalone.workers", workers), ("log.level", logLevel), ("log.format", logFormat),
        ]
    }
}
