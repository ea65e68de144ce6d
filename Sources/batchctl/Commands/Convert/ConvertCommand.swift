// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `batchctl convert`
struct ConvertCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Convert between spreadsheets (CSV) and the JSON lines of batches.",
        discussion: """
            Works on local files, without a server, in little memory whatever their size. `-` is standard input or \
            output.
            """,
        subcommands: [CSVToJSONLCommand.self, JSONLToCSVCommand.self])
}

/// What both conversions are told.
struct ConvertOptions: ParsableArguments {
    /// The path as it was given, or `-`.
    @Argument(help: ArgumentHelp("The file to convert, or - for standard input.", valueName: "input"))
    var input: String

    /// The path as it was given, or `-`.
    @Argument(help: ArgumentHelp("The file to write, or - for standard output.", valueName: "output"))
    var output: String

    /// `--encoding`.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "How the CSV file is encoded: \(TextEncoding.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var encoding = TextEncoding.utf8

    /// `--force`.
    @Flag(name: .long, help: "Replace the output when it exists.")
    var force = false

    /// `--max-record-bytes`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("Longest record or line in bytes.", valueName: "n"))
    var maxRecordBytes = 64 << 20

    /// Only `--quiet` matters here; hidden, because no server is asked.
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard maxRecordBytes >= 1 else { throw ValidationError("--max-record-bytes must be at least 1") }
    }

    /// Converts and says how much it was; `what` names one of what was written, with `s` for more.
    func run(_ direction: Converting.Direction, _ what: String) async throws {
        let converting = Converting(
            direction: direction, input: input, output: output, encoding: encoding, replaces: force,
            recordBytesMax: maxRecordBytes)
        let count = try await converting.run()
        let place = output == ConvertedFile.dash ? "standard output" : PlainText.safe(output)
        Narrator(Terminal(.current()), isQuiet: global.quiet).say(
            "wrote \(Quantities.count(Int64(count))) \(what)\(count == 1 ? "" : "s") to \(place)")
    }
}

extension TextEncoding: ExpressibleByArgument {}
