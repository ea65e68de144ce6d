// SPDX-License-Identifier: Apache-2.0

/// What one line must look like; the rules that compare lines are in `FileCheck`. (contracts: OpenAI input lines)
package struct LineRules: Sendable {
    /// The paths a line's `url` may name; normally the batch's endpoint alone, several for a mixed batch.
    package var endpoints: [String]
    /// Whether a `url` that is none of them passes, too; such a line has no endpoint. (contracts: vLLM `run-batch`)
    package var allowsOtherURLs = false
    /// Longest line in bytes without its line break, inclusive.
    package var lineBytesMax = 6 << 20
    /// Containers a line may nest, inclusive.
    package var depthMax = JSONScanner.defaultDepthMax
    /// Longest `custom_id` in UTF-8 bytes after unescaping, inclusive; at most `customIDBytesCeiling`.
    package var customIDBytesMax = 512
    /// Longest `custom_id` in Unicode characters (scalars), inclusive; nil for no such rule. (contracts: Bailian, 256)
    package var customIDCharactersMax: Int?
    /// Keys besides the known ones that a line may have, inclusive.
    package var otherKeysMax = 256
    /// Whether `stream: true` passes. (contracts: Bailian)
    package var allowsStream = false
    /// Whether `method` and `url` must be there; where not, they are still checked if they are. (contracts: Ark)
    package var requiresMethodAndURL = true
    /// Whether `body.model` must be there; where not, the model comes from elsewhere. (contracts: Ark)
    package var requiresModel = true
    /// Whether `method`, `url` and `body.model` mean anything; where not, they are passed over. (contracts: Ark)
    package var readsTarget = true
    /// Whether all lines must name the first line's model.
    package var requiresOneModel = true
    /// Whether all lines must have the first line's thinking mode: `enable_thinking`, which absent means false.
    /// (contracts: Bailian)
    package var requiresOneThinkingMode = false
    /// Whether some backend serves the model.
    package var knowsModel: @Sendable (String) -> Bool

    /// Longest model name in UTF-8 bytes; a longer one is unknown to every backend.
    static let modelBytesMax = 512

    /// The largest sensible `customIDBytesMax`: an id of this size, fully escaped, still fits a 16-bit length.
    package static let customIDBytesCeiling = 8_192

    /// The rules of an OpenAI batch for `endpoint`.
    package init(endpoint: String, knowsModel: @escaping @Sendable (String) -> Bool) {
        self.endpoints = [endpoint]
        self.knowsModel = knowsModel
    }

    /// The rules of a batch for `endpoint` in the manner of `profile`, whose limits are `limits`; where that is `*`,
    /// lines may name any path that is allowed, and each its own model. (contracts: vLLM run-batch, mixed urls)
    package init(
        endpoint: String, profile: Profile, limits: Limits, knowsModel: @escaping @Sendable (String) -> Bool
    ) {
        self.init(endpoint: endpoint, allowed: limits.endpoints, knowsModel: knowsModel)
        lineBytesMax = limits.lineBytesMax
        depthMax = limits.nestingDepthMax
        customIDBytesMax = limits.customIDBytesMax
        customIDCharactersMax = limits.customIDCharactersMax
        allowsStream = profile.allowsStream
        requiresOneThinkingMode = profile.requiresOneThinkingMode
        guard !profile.linesNameTarget else { return }
        requiresMethodAndURL = false
        requiresModel = false
        readsTarget = false
    }

    /// The rules of a batch for `endpoint`; where that is `*`, lines may name any of `allowed`, and each its own model.
    /// (contracts: vLLM run-batch, mixed urls)
    package init(endpoint: String, allowed: EndpointList, knowsModel: @escaping @Sendable (String) -> Bool) {
        self.init(endpoint: endpoint, knowsModel: knowsModel)
        guard endpoint == EndpointList.mixed else { return }
        endpoints = allowed.paths
        requiresOneModel = false
    }

    /// The rules of a file whose lines name any of `endpoints`.
    package init(endpoints: [String], knowsModel: @escaping @Sendable (String) -> Bool) {
        self.endpoints = endpoints
        self.knowsModel = knowsModel
    }

    /// The body field without which a request to `endpoint` makes no sense; nil for paths without such a rule.
    package static func requiredField(of endpoint: String) -> String? {
        if endpoint.hasSuffix("/chat/completions") || endpoint.hasSuffix("/chat/ds-test") { return "messages" }
        if endpoint.hasSuffix("/completions") { return "prompt" }
        if ["/embeddings", "/responses", "/moderations"].contains(where: endpoint.hasSuffix) { return "input" }
        return nil
    }

    /// True when lines to `endpoint` are counted by their embedding inputs.
    static func isEmbedding(_ endpoint: String) -> Bool { endpoint.hasSuffix("/embeddings") }
}

/// What the rules made of one line.
package struct CheckedLine: Sendable {
    /// Everything that is wrong with it; empty for a good line.
    package internal(set) var problems: [LineProblem] = []
    /// Where its fields lie; nil when it is no JSON object.
    package internal(set) var request: RequestLine?
    /// Index into `LineRules.endpoints` of its `url`; nil when it has none or another.
    package internal(set) var endpoint: Int?
    /// Its model; nil when it has none.
    package internal(set) var model: String?
    /// Whether it asks for thinking; nil when nobody looks at that, or it says something else than yes or no.
    package internal(set) var thinks: Bool?
    /// The text of its `custom_id`; nil when it has none that is valid.
    package internal(set) var customID: CustomID?
}

/// A valid `custom_id` of a line.
package struct CustomID: Sendable {
    /// Its raw token, quotes included, in the line.
    package let token: JSONToken
    /// Its text as UTF-8 when the token has escapes; nil when the text is the token without its quotes.
    package let unescaped: [UInt8]?
}

/// What the previous line resolved to, so that equal bytes in the next one need no work.
package struct LineMemo: Sendable {
    /// The raw token of the last model, the model, and whether it is known.
    var model: (token: [UInt8], text: String, isKnown: Bool)?

    /// Nothing remembered.
    package init() {}
}
