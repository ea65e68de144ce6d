// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// `batchctl models`
struct ModelsCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List the models that lines may name, one a line.")

    /// How to print.
    @OptionGroup var format: FormatOptions
    /// Which server, as whom, how loud.
    @OptionGroup var global: GlobalOptions

    /// Prints the names.
    func run() async throws {
        let session = try global.session()
        let page = try await session.client.models()
        if format.isJSON {
            let data = page.elements.map { String(decoding: $0.json, as: UTF8.self) }.joined(separator: ",")
            try await session.print(#"{"object":"list","data":[\#(data)]}"#)
        } else {
            try await session.print(page.elements.map { PlainText.safe($0.value.id) })
        }
    }
}
