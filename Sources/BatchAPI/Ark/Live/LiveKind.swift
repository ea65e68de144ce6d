// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What a request of Ark's batch chat asks for. (contracts: Ark runtime routes)
enum LiveKind: CaseIterable, Sendable {
    case chat
    case embeddings
    case multimodalEmbeddings

    /// The path of the route.
    var path: String {
        switch self {
        case .chat: LiveRoutes.pathPrefix + "chat/completions"
        case .embeddings: LiveRoutes.pathPrefix + "embeddings"
        case .multimodalEmbeddings: LiveRoutes.pathPrefix + "embeddings/multimodal"
        }
    }

    /// Where backends take such requests: the `url` of a line.
    var endpoint: String {
        switch self {
        case .chat: Endpoint.chatCompletions.rawValue
        case .embeddings: Endpoint.embeddings.rawValue
        case .multimodalEmbeddings: EndpointList.multimodalEmbeddings
        }
    }

    /// The same for `model`: the built-in test model has a path of its own, and answers chats only.
    ///
    /// Nil when nobody takes requests of this kind for the model.
    func endpoint(model: String) -> String? {
        guard model == Endpoint.testModel else { return endpoint }
        return self == .chat ? Endpoint.test.rawValue : nil
    }

    /// The field that has to be there besides `model`.
    var field: String { self == .chat ? "messages" : "input" }

    /// The types that it may have.
    var fieldTypes: Set<JSONKind> { self == .embeddings ? [.array, .string] : [.array] }
}
