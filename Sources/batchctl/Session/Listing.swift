// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient

/// The options of commands that list things page by page.
struct ListingOptions: ParsableArguments {
    /// `--limit`, ≥ 1.
    @Option(name: .long, help: ArgumentHelp("At most so many, newest first.", valueName: "n"))
    var limit = 20

    /// `--all`.
    @Flag(name: .long, help: "All of them, however many.")
    var all = false

    /// Refuses what makes no sense before anything is done.
    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit must be at least 1, not \(limit)") }
    }
}

/// Prints a list page by page: as a table, or as one list object of JSON with the elements as they came.
struct Listing<Element: Decodable & Sendable> {
    /// The command's surroundings.
    let session: Session
    /// Whether JSON is wanted.
    let isJSON: Bool
    /// The columns of the table.
    let columns: [Table.Column]
    /// The cells of an element.
    let row: @Sendable (Element) -> [String]

    /// Fetches and prints up to `limit` elements (nil: all).
    func print(
        limit: Int?, pageMax: Int, id: (Element) -> String,
        fetch: (_ after: String?, _ limit: Int) async throws -> Page<Element>
    ) async throws {
        var table = Table(columns)
        var isFirst = true
        let hasMore = try await Client.followPages(limit: limit, pageMax: pageMax, id: id, fetch: fetch) { answers in
            guard isJSON else {
                table.rows += answers.map { row($0.value) }
                return
            }
            var bytes: [UInt8] = isFirst ? Array(#"{"object":"list","data":["#.utf8) : []
            for (index, answer) in answers.enumerated() {
                bytes += isFirst && index == 0 ? answer.json : [UInt8(ascii: ",")] + answer.json
            }
            isFirst = false
            try await session.output.write(bytes)
        }
        if isJSON {
            try await session.print("],\"has_more\":\(hasMore)}")
        } else if table.rows.isEmpty {
            session.narrator.say("none")
        } else {
            try await session.print(table.lines())
            if hasMore { session.narrator.say("there are more: --all or a larger --limit shows them") }
        }
    }
}
