// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// `batchctl validate`
struct ValidateCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a file of JSON lines by the server's rules, without a server.",
        discussion: """
            Prints every problem as FILE:LINE: message [code, field]; blank lines count as lines. Whether a model is \
            served only the server knows. The limits are a server's settings: give those of yours where they differ.
            """)

    /// The path as it was given.
    @Argument(help: "The file of JSON lines.", completion: .file(extensions: ["jsonl"]))
    var file: String

    /// `--endpoint`; nil takes what the lines name.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The path every line must name, or * where each names its own. [what the lines name]", valueName: "path"))
    var endpoint: String?

    /// `--max-lines`; 0 is no limit.
    @Option(name: .long, help: ArgumentHelp("Most request lines; 0 is no limit.", valueName: "n"))
    var maxLines = Limits().linesMax

    /// `--max-line-bytes`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Longest line in bytes.", valueName: "n"))
    var maxLineBytes = Limits().lineBytesMax

    /// `--max-file-bytes`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Largest file in bytes.", valueName: "n"))
    var maxFileBytes = Limits().inputBytesMax

    /// `--max-inputs`; 0 is no limit.
    @Option(name: .long, help: ArgumentHelp("Most inputs of embeddings over all lines; 0 is no limit.", valueName: "n"))
    var maxInputs = Limits().embeddingInputsMax

    /// `--max-problems`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Most problems listed.", valueName: "n"))
    var maxProblems = 100

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Only `--quiet` matters here; hidden, because no server is asked.
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        let limits = [
            ("--max-lines", Int64(maxLines), 0), ("--max-line-bytes", Int64(maxLineBytes), 1),
            ("--max-file-bytes", maxFileBytes, 1), ("--max-inputs", Int64(maxInputs), 0),
            ("--max-problems", Int64(maxProblems), 1),
        ]
        for (name, value, least) in limits where value < least {
            throw ValidationError("\(name) must be at least \(least), not \(value)")
        }
    }

    /// Checks the file and prints what is wrong.
    func run() async throws {
        let terminal = Terminal(.current())
        let narrator = Narrator(terminal, isQuiet: global.quiet)
        let output = StandardOutput()
        let local = try LocalFile(path: file)
        let checking = Checking(file: local, endpoint: endpoint, limits: limits)
        let report = try await TransferDisplay.run(
            "checking \(local.name)", total: local.bytes, narrator: narrator
        ) { progress throws(ClientError) in
            try await checking.run(progress: progress)
        }
        if format.isJSON {
            try await output.write(report.json.bytes + [UInt8(ascii: "\n")])
        } else {
            try await output.write(Array(report.lines.map { $0 + "\n" }.joined().utf8))
            narrator.say(report.summary)
        }
        if !report.problems.isEmpty { throw CommandFailure(.problemsFound) }
    }

    /// The limits to check by: the server's defaults but for the options.
    private var limits: Limits {
        var limits = Limits()
        limits.linesMax = maxLines
        limits.lineBytesMax = maxLineBytes
        limits.inputBytesMax = maxFileBytes
        limits.embeddingInputsMax = maxInputs
        limits.problemsMax = maxProblems
        return limits
    }
}
