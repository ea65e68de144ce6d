// SPDX-License-Identifier: Apache-2.0

/// Whose manner of batches a request, a batch or an upload follows: one store, several ways to speak to it.
///
/// What differs between the manners is here and in ``Limits/of(_:endpoint:)``; all other code is shared.
package enum Profile: String, CaseIterable, Hashable, Sendable {
    /// OpenAI's, under `/v1`. (contracts: OpenAI)
    case openAI = "openai"
    /// Alibaba Cloud Model Studio's, under `/compatible-mode/v1`. (contracts: Bailian)
    case bailian
    /// Volcengine Ark's: jobs are made by signed requests to `/`, and calls that wait are made under `/api/v3`.
    /// (contracts: Ark control plane)
    case ark

    /// Those whose files and batches have OpenAI's routes under ``pathPrefix``.
    package static let withOpenAIRoutes: [Profile] = [.openAI, .bailian]

    /// What the paths of its routes start with.
    package var pathPrefix: String {
        switch self {
        case .openAI: "/v1"
        case .bailian: "/compatible-mode/v1"
        case .ark: "/api/v3"
        }
    }

    /// The only paths that batches may name, as far as the operator allows them; nil for all that are allowed.
    /// (contracts: Bailian)
    package var endpoints: [Endpoint]? {
        switch self {
        case .openAI, .ark: nil
        case .bailian: [.chatCompletions, .embeddings, .test]
        }
    }

    /// How lines of result files look.
    package var resultLine: ResultLine {
        switch self {
        case .openAI: .openAI
        case .bailian: .bailian
        case .ark: .ark
        }
    }

    /// Whether each line must name its method and url, and in its body the model; where not, the batch's own hold, and
    /// its model takes the place of whatever a body names. (contracts: Ark files)
    package var linesNameTarget: Bool { self != .ark }

    /// Whether a batch whose lines ran has an output file although none of them succeeded: clients of Ark read it at a
    /// place that they know beforehand. (contracts: Ark files)
    package var writesEmptyOutput: Bool { self == .ark }

    /// Whether fields of a request to create a batch that are unknown are passed over instead of refused.
    package var ignoresUnknownFields: Bool { self == .bailian }

    /// Whether `stream: true` passes in a line. (contracts: Bailian)
    package var allowsStream: Bool { self == .bailian }

    /// Whether all lines must have the same `enable_thinking`. (contracts: Bailian)
    package var requiresOneThinkingMode: Bool { self == .bailian }

    /// Longest values of metadata keys with a limit of their own, in Unicode scalars. (contracts: Bailian metadata)
    package var metadataLengths: [String: Int] {
        switch self {
        case .openAI, .ark: [:]
        case .bailian: ["ds_name": 100, "ds_description": 200]
        }
    }
}

/// What the server makes a file for, as far as its id shows it.
package enum FileKind: String, CaseIterable, Hashable, Sendable {
    case upload
    case output
    case error
    case provenance
}

extension Profile {
    /// A fresh id of a file. Clients of Bailian recognise files by how their ids begin. (contracts: Bailian)
    package func fileID(_ kind: FileKind) -> FileID {
        let plain = FileID.random()
        guard self == .bailian else { return plain }
        let word = kind == .upload ? "batch-" : "batch_\(kind.rawValue)-"
        return FileID(rawValue: FileID.prefix + word + plain.rawValue.dropFirst(FileID.prefix.count))
    }
}
