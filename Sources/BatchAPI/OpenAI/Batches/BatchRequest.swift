// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The body of a request to create a batch, checked. (contracts: OpenAI batch create request)
///
/// Whether the input file exists is not checked here: a batch with a missing file is created, and fails in validation.
struct BatchRequest: Hashable, Sendable {
    /// What its lines are read from.
    let input: BatchInput
    /// Where the results go besides, or nil.
    let output: OutputFields?
    /// The path that every line must name, or `*` when each names its own.
    let endpoint: String
    /// The time the batch has.
    let window: CompletionWindow
    /// JSON text of an object of strings, or nil.
    let metadata: String?
    /// `ds_name` of the metadata, or nil.
    let name: String?
    /// Lifetime of the output files in seconds, or nil for the server's default.
    let outputExpiresAfterSeconds: Int64?
    /// When the batch goes, or nil for the usual.
    let scheduling: SchedulingFields
    /// Where its end is told, or nil.
    let webhook: WebhookFields?
    /// Where its end is told the way of Bailian, or nil.
    let callbackURL: String?

    private static let known: Set<String> = [
        "input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after",
        "priority", "lane", "webhook", "input", "output",
    ]

    /// Parses and checks a JSON body in the manner of `profile`.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    init(parsing body: [UInt8], limits: Limits, profile: Profile = .openAI) throws {
        guard !body.isEmpty else {
            throw BatchError.invalid(
                "The request has no body; send a JSON object with input_file_id, endpoint and completion_window.")
        }
        let tree = try JSONTree.parse(body)
        guard case .object(let members) = tree else {
            throw BatchError.invalid("The body of the request must be a JSON object, but is \(tree.kind).")
        }
        let fields = JSONFields(members)
        let limits = limits.of(profile)
        if !profile.ignoresUnknownFields { try fields.allowOnly(Self.known) }
        input = try BatchInput(fields)
        output = try fields["output"].flatMap(OutputFields.read)
        endpoint = try Self.endpoint(try Self.text("endpoint", fields), limits)
        window = try WindowRule.window(try Self.text("completion_window", fields), limits)
        metadata = try fields["metadata"].flatMap { try BatchMetadata.text(of: $0, profile: profile) }
        name = fields["metadata"].flatMap(BatchMetadata.name)
        outputExpiresAfterSeconds = try fields["output_expires_after"].flatMap {
            try ExpiryRule.seconds(in: $0, param: "output_expires_after")
        }
        scheduling = try SchedulingFields(fields)
        webhook = try fields["webhook"].flatMap(WebhookFields.read)
        callbackURL = try fields["metadata"].flatMap(BatchMetadata.callbackURL)
    }

    private static func endpoint(_ path: String, _ limits: Limits) throws -> String {
        let mixed = limits.allowsMixedEndpoints ? [EndpointList.mixed] : []
        guard limits.endpoints.allows(path) || mixed.contains(path) else {
            throw BatchError.invalidValue(path, param: "endpoint", supported: limits.endpoints.paths + mixed)
        }
        return path
    }

    private static func text(_ name: String, _ fields: JSONFields) throws -> String {
        guard let tree = fields[name] else { throw BatchError.missing(name) }
        guard case .string(let text) = tree else {
            throw BatchError.invalidType(name, expected: "a string", got: tree.kind)
        }
        guard !text.utf8.contains(0) else { throw BatchError.containsNUL(name) }
        return text
    }
}
