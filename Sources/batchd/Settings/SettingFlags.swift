// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The flags that settings have; the same for every subcommand.
struct SettingFlags: ParsableArguments {
    @Option(help: "Configuration file (YAML); `batchd settings --yaml` prints one.")
    var config: String?

    @Option(name: .customLong("set"), help: "Any setting: name=value; `batchd settings` lists them. Repeatable.")
    var assignments: [String] = []

    @Option(help: "Where `standalone` keeps database, key and files (default: ./.shardline).")
    var dataDir: String?

    @Option(help: "PostgreSQL, as libpq URL or connection string.")
    var databaseURL: String?

    @Option(help: "Directory of stored files.")
    var vault: String?

    @Option(help: "Address to listen on (default: 127.0.0.1).")
    var host: String?

    @Option(help: "Port to listen on, 0 for a free one (default: 8080).")
    var port: String?

    @Option(help: "OpenAI-compatible server, such as http://host:8000/v1.")
    var backend: String?

    @Option(help: "Calls in flight of one worker (default: 64).")
    var concurrency: String?

    @Option(help: "Workers inside `standalone` (default: 1).")
    var workers: String?

    @Option(help: "trace, debug, info, notice, warning, error, critical (default: info).")
    var logLevel: String?

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
