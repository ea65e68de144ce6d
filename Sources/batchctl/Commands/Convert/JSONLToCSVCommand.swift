// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `batchctl convert jsonl-to-csv`
struct JSONLToCSVCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "jsonl-to-csv", abstract: "Make a spreadsheet of result lines.",
        discussion: """
            Takes output and error files of any profile, and vLLM's. The columns are \
            \(ResultFields.names.joined(separator: ", ")); usage stands there as JSON.

              batchctl convert jsonl-to-csv results.jsonl results.csv --encoding utf-8-bom
            """)

    /// Input and output.
    @OptionGroup var options: ConvertOptions

    /// Converts.
    func run() async throws {
        try await options.run(.results, "record")
    }
}
