// SPDX-License-Identifier: Apache-2.0

/// The paths that lines may name, as the operator allows them; what is on the list is passed through to the backends,
/// whether or not this service knows what it is for.
package struct EndpointList: Hashable, Sendable, CustomStringConvertible {
    /// What a mixed batch has as its endpoint: each line names its own. (contracts: vLLM run-batch, mixed urls)
    package static let mixed = "*"

    /// Where backends take texts and images to embed together. (contracts: Ark runtime routes)
    package static let multimodalEmbeddings = "/v1/embeddings/multimodal"

    /// Longest path, in bytes.
    package static let pathBytesMax = 200

    /// Every path once, in the order given.
    package let paths: [String]

    /// OpenAI's, the built-in test model's, and those of vLLM's run-batch.
    package static let standard = EndpointList(
        paths: Endpoint.allCases.map(\.rawValue) + [
            "/v1/score", "/score", "/v1/rerank", "/rerank", "/v2/rerank", "/v1/audio/transcriptions",
            "/v1/audio/translations", multimodalEmbeddings,
        ])

    private init(paths: [String]) { self.paths = paths }

    /// Reads paths that are separated by commas or blanks.
    ///
    /// - Throws: a sentence about the first entry that is no path.
    package init(parsing text: String) throws(EndpointFault) {
        var paths: [String] = []
        for entry in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map(String.init) {
            guard Self.isPath(entry) else { throw EndpointFault(entry: entry) }
            if !paths.contains(entry) { paths.append(entry) }
        }
        guard !paths.isEmpty else { throw EndpointFault(entry: "") }
        self.paths = paths
    }

    /// Those of the list that are among `endpoints`.
    package func only(_ endpoints: [Endpoint]) -> EndpointList {
        EndpointList(paths: paths.filter { path in endpoints.contains { $0.rawValue == path } })
    }

    /// Whether lines may name `path`.
    package func allows(_ path: String) -> Bool { paths.contains { $0.utf8.elementsEqual(path.utf8) } }

    /// The paths, separated by commas.
    package var description: String { paths.joined(separator: ", ") }

    /// Whether `text` is a path as lines write it: nothing that a server could read as another path.
    private static func isPath(_ text: String) -> Bool {
        guard text.utf8.first == UInt8(ascii: "/"), (2...pathBytesMax).contains(text.utf8.count) else { return false }
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"?#%\"<>"#.utf8.contains($0) }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return isPlain && segments.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}

/// An entry that is no path.
package struct EndpointFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry; empty when there was none at all.
    package let entry: String

    /// What is wrong, and the way out.
    package var description: String {
        entry.isEmpty
            ? "names no path: write at least one, such as /v1/chat/completions"
            : "\"\(entry)\" is no path: write it like /v1/chat/completions, without query, escapes, or empty segments"
    }
}
