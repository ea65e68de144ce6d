// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the product itself, as real processes on this machine.",
        discussion: """
            Each bench makes a directory of its own with a private PostgreSQL, starts this program as coordinator and \
            worker, sends batches through the API, checks that every line has one result, and removes all of it. \
            Durations depend on the machine and on what else it does: read processor seconds and ratios first.
            """,
        subcommands: [
            BenchLinesCommand.self, BenchMemoryCommand.self, BenchKillCommand.self, BenchCallsCommand.self,
            BenchChaosCommand.self, BenchNotifyCommand.self,
            BenchWindowCommand.self, BenchInFlightCommand.self, BenchScaleCommand.self,
            BenchRunCommand.self, BenchLiveCommand.self, BenchBackendCommand.self, BenchVaultCommand.self,
        ])
}

/// What all benches can be told.
struct BenchOptions: ParsableArguments {
    /// Where the bench makes its directory.
    @Option(help: "Where the bench makes its directory (default: $TMPDIR).")
    var dir: String?

    /// Whether the directory stays.
    @Flag(help: "Leave the directory behind.")
    var keep = false

    /// Whether the report is JSON.
    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    /// Longest time for one batch, with its unit.
    @Option(help: "Longest time for one batch, such as 30m.")
    var limit = "2h"

    /// Folder of PostgreSQL's programs; empty: searched.
    @Option(help: "Folder of PostgreSQL's `postgres` and `initdb`; searched for unless given.")
    var postgresPrograms = ""

    /// Settings of coordinator and worker.
    @Option(
        name: .customLong("set"),
        help: "Any setting of coordinator and worker: name=value. The environment's settings do not count. Repeatable.")
    var assignments: [String] = []

    /// A fleet as these options want it.
    var plan: BenchFleet.Plan {
        BenchFleet.Plan(
            parent: dir ?? ProcessEnvironment.variables["TMPDIR"] ?? "/tmp", postgresPrograms: postgresPrograms,
            assignments: assignments, keepsDirectory: keep)
    }

    /// ``limit`` as a length of time.
    var batchLimit: Duration {
        get throws { try Self.usable("--limit \(limit)") { try SettingText.duration(limit) } }
    }

    /// What `make` makes; its error becomes one of usage, about `what`.
    static func usable<Value>(_ what: String, _ make: () throws -> Value) throws -> Value {
        do {
            return try make()
        } catch {
            throw ValidationError("\(what): \(error)")
        }
    }
}
