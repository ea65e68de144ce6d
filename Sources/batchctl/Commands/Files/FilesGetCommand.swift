// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl files get`
struct FilesGetCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show what is known of a file.")

    /// The file to show.
    @Argument(help: "The file: file-…")
    var id: String

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Prints what is known.
    func run() async throws {
        let session = try global.session()
        let answer = try await session.client.file(id)
        if format.isJSON {
            try await session.print(json: answer.json)
        } else {
            try await session.print(Self.lines(answer.value, now: Terminal.now, offset: Terminal.offset))
        }
    }

    /// One fact a line.
    static func lines(_ file: WireFile, now: Int64, offset: (Int64) -> Int64) -> [String] {
        func instant(_ seconds: Int64) -> String {
            "\(Timestamps.text(seconds, offset: offset(seconds))) (\(Durations.relative(seconds, now: now)))"
        }
        return [
            PlainText.safe(file.id),
            "  filename  \(PlainText.safe(file.filename))",
            "  size      \(Quantities.size(file.bytes))"
                + (file.bytes < 1_000 ? "" : " (\(Quantities.count(file.bytes)) bytes)"),
            "  purpose   \(PlainText.safe(file.purpose))",
            "  created   \(instant(file.createdAt))",
            "  expires   \(file.expiresAt.map(instant) ?? "never")",
        ]
    }
}
