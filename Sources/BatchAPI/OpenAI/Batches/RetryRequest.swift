// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The body of a request to run the failed lines of a batch again, checked; a body is optional, and what it does not
/// name is taken from the batch.
struct RetryRequest: Hashable, Sendable {
    /// The time the new batch has.
    let window: CompletionWindow?
    /// JSON text of an object of strings.
    let metadata: String?
    /// `ds_name` of the metadata, or nil.
    let name: String?
    /// When the new batch goes.
    let scheduling: SchedulingFields
    /// Where its end is told, or nil for where its parent's is.
    let webhook: WebhookFields?
    /// `ds_batch_finish_callback` of the metadata, or nil.
    let callbackURL: String?

    /// Where the results go; nil for nowhere else, wherever those of the other batch went.
    let output: OutputFields?

    private static let known: Set<String> = ["completion_window", "metadata", "priority", "lane", "webhook", "output"]

    /// Parses and checks a JSON body in the manner of `profile`; an empty one names nothing.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    init(parsing body: [UInt8], limits: Limits, profile: Profile = .openAI) throws {
        let tree = body.isEmpty ? .object([]) : try JSONTree.parse(body)
        guard case .object(let members) = tree else {
            throw BatchError.invalid("The body of the request must be a JSON object, but is \(tree.kind).")
        }
        let fields = JSONFields(members)
        if !profile.ignoresUnknownFields { try fields.allowOnly(Self.known) }
        window = try fields["completion_window"].flatMap { try Self.window($0, limits.of(profile)) }
        metadata = try fields["metadata"].flatMap { try BatchMetadata.text(of: $0, profile: profile) }
        name = fields["metadata"].flatMap(BatchMetadata.name)
        scheduling = try SchedulingFields(fields)
        webhook = try fields["webhook"].flatMap(WebhookFields.read)
        output = try fields["output"].flatMap(OutputFields.read)
        callbackURL = try fields["metadata"].flatMap(BatchMetadata.callbackURL)
    }

    private static func window(_ tree: JSONTree, _ limits: Limits) throws -> CompletionWindow? {
        if case .null = tree { return nil }
        guard case .string(let text) = tree else {
            throw BatchError.invalidType("completion_window", expected: "a string", got: tree.kind)
        }
        return try WindowRule.window(text, limits)
    }
}
