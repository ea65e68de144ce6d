// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchCore

/// `batchctl convert csv-to-jsonl`
struct CSVToJSONLCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "csv-to-jsonl", abstract: "Make request lines of a spreadsheet.",
        discussion: """
            The first column is the custom_id, the second the content; others are passed over, as are empty lines. \
            Fields may be in quotes, with commas and line breaks inside.

              batchctl convert csv-to-jsonl questions.csv input.jsonl --model qwen-turbo
            """)

    /// Input and output.
    @OptionGroup var options: ConvertOptions

    /// `--model`.
    @Option(name: .long, help: ArgumentHelp("The model of every request.", valueName: "name"))
    var model: String

    /// `--system`; empty for none.
    @Option(
        name: .long,
        help: ArgumentHelp("The system message of every chat; empty for none.", valueName: "text"))
    var system = "You are a helpful assistant."

    /// `--endpoint`.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The path of every request: \(RequestForm.endpoints.map(\.rawValue).joined(separator: ", ")).",
            valueName: "path"))
    var endpoint = Endpoint.chatCompletions.rawValue

    /// `--skip-header`.
    @Flag(name: .long, help: "The first record names the columns and is no request.")
    var skipHeader = false

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard !model.isEmpty else { throw ValidationError("--model must not be empty") }
        guard Endpoint(rawValue: endpoint).map(RequestForm.endpoints.contains) ?? false else {
            throw ValidationError(
                "--endpoint must be one of \(RequestForm.endpoints.map(\.rawValue).joined(separator: ", "))")
        }
    }

    /// Converts.
    func run() async throws {
        let form = RequestForm(
            endpoint: Endpoint(rawValue: endpoint) ?? .chatCompletions, model: model, system: system)
        try await options.run(.requests(form, skipsHeader: skipHeader), "request")
    }
}
