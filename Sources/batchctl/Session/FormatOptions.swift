// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How a command prints what it found.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case text
    case json
}

/// The options of commands that print objects and have no file to write.
struct FormatOptions: ParsableArguments {
    /// `--format`.
    @Option(name: [.customShort("o"), .long], help: "Print text, or the server's JSON.")
    var format = OutputFormat.text

    /// `--json`.
    @Flag(name: .long, help: "The same as --format json.")
    var json = false

    /// Whether JSON is wanted.
    var isJSON: Bool { json || format == .json }
}
