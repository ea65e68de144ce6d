// SPDX-License-Identifier: Apache-2.0

/// The paths of OpenAI's batches, and the test model's; an operator may allow others, see ``EndpointList``.
/// (contracts: OpenAI batch create request; Bailian test model)
package enum Endpoint: String, CaseIterable, Hashable, Sendable {
    case responses = "/v1/responses"
    case chatCompletions = "/v1/chat/completions"
    case embeddings = "/v1/embeddings"
    case completions = "/v1/completions"
    case moderations = "/v1/moderations"
    case imageGenerations = "/v1/images/generations"
    case imageEdits = "/v1/images/edits"
    case videos = "/v1/videos"
    /// The built-in test model: answered by the worker itself, no backend is called.
    case test = "/v1/chat/ds-test"

    /// The built-in model that ``test`` lines name.
    package static let testModel = "batch-test-model"

    /// Whether lines to `path` name an audio file that is sent along as a form. (contracts: vLLM run-batch)
    package static func isSpeech(_ path: String) -> Bool {
        path.hasSuffix("/audio/transcriptions") || path.hasSuffix("/audio/translations")
    }
}
