// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchInference

/// `batchd check`.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Prove the settings without starting: database, migrations, vault, object stores, backends.",
        discussion: "Exit code 0 when everything is ok, 1 when something is not.")

    /// Whether to leave the settings out.
    @Flag(help: "Show only the checks, not the settings in effect.")
    var quiet = false

    /// The flags of the settings.
    @OptionGroup var flags: SettingFlags

    /// Runs the command; an error has been reported when it throws.
    func run() async throws {
        try await CommandRun.reporting {
            let (resolved, logger) = try CommandRun.settings(flags)
            if !quiet { StandardOutput.text(Self.effective(resolved)) }
            let report = await ReadinessReport.make(resolved.settings, logger: logger)
            StandardOutput.text(report.text)
            guard report.isGood else { throw ExitCode(ExitCodes.failure) }
        }
    }

    /// Every setting with its value and source, secrets hidden.
    static func effective(_ resolved: ResolvedSettings) -> String {
        var lines = SettingsTable.all.map { row in
            let source = resolved.sources[row.name] ?? .defaults
            return "\(row.name) = \(row.shown(row.read(resolved.settings)))  (\(source))"
        }
        for backend in resolved.settings.backends {
            let models = backend.models.map(\.description).joined(separator: ", ")
            lines.append(
                "backend \(backend.name): \(backend.baseURL), models \(models), concurrency \(backend.concurrency)")
        }
        return lines.joined(separator: "\n") + "\n\n"
    }
}
