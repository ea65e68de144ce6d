// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `batchd settings`.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Explain every setting, with its default, variable and flag.")

    /// Whether to print a configuration file.
    @Flag(help: "Print a configuration file with every default instead.")
    var yaml = false

    /// Runs the command; an error has been reported when it throws.
    func run() throws {
        StandardOutput.text(yaml ? SettingsReference.yaml() : SettingsReference.text())
    }
}
