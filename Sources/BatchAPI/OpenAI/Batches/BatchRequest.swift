// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The body of a request to create a batch, checked. (contracts: OpenAI batch create request)
///
/// Whether the input file exists is not checked here: a batch with a missing file is created, and fails in validation.
struct BatchRequest: Hashable, Sendable {
    /// The file id as the user gave it; empty with an ``inputURL``.
    let inputFileID: String
    /// Where the input is to be fetched from instead, or nil: `input.url`, or an `input_file_id` that is an address.
    let inputURL: String?
    /// Where the results go besides, or nil.
    let output: OutputFields?
    /// The path that every line must name.
    let endpoint: Endpoint
    /// The time the batch has.
    let window: CompletionWindow
    /// JSON text of an object of strings, or nil.
    let metadata: String?
    /// Lifetime of the output files in seconds, or nil for the server's default.
    let outputExpiresAfterSeconds: Int64?
    /// When the batch goes, or nil for the usual.
    let scheduling: SchedulingFields
    /// Where its end is told, or nil.
    let webhook: WebhookFields?
    /// Where its end is told the way of Bailian, or nil.
    let callbackURL: String?

    /// Longest file id that is looked at, in UTF-8 bytes.
    private static let fileIDBytesMax = 512
    private static let known: Set<String> = [
        "input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after",
        "priority", "lane", "webhook", "input", "output",
    ]

    /// Parses and checks a JSON body.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    init(parsing body: [UInt8], limits: Limits) throws {
        guard !body.isEmpty else {
            throw BatchError.invalid(
                "The request has no body; send a JSON object with input_file_id, endpoint and completion_window.")
        }
        let tree = try JSONTree.parse(body)
        guard case .object(let members) = tree else {
            throw BatchError.invalid("The body of the request must be a JSON object, but is \(tree.kind).")
        }
        let fields = JSONFields(members)
        try fields.allowOnly(Self.known)
        (inputFileID, inputURL) = try Self.source(fields)
        output = try fields["output"].flatMap(OutputFields.read)
        let path = try Self.text("endpoint", fields)
        guard let endpoint = Endpoint(rawValue: path) else {
            throw BatchError.invalidValue(path, param: "endpoint", supported: Endpoint.allCases.map(\.rawValue))
        }
        self.endpoint = endpoint
        window = try WindowRule.window(try Self.text("completion_window", fields), limits)
        metadata = try fields["metadata"].flatMap(BatchMetadata.text)
        outputExpiresAfterSeconds = try fields["output_expires_after"].flatMap {
            try ExpiryRule.seconds(in: $0, param: "output_expires_after")
        }
        scheduling = try SchedulingFields(fields)
        webhook = try fields["webhook"].flatMap(WebhookFields.read)
        callbackURL = try fields["metadata"].flatMap(BatchMetadata.callbackURL)
    }

    /// The file id, or an empty one and the address.
    private static func source(_ fields: JSONFields) throws -> (fileID: String, url: String?) {
        if let url = try fields["input"].flatMap(RemoteFields.input) {
            if let other = fields["input_file_id"], !RemoteFields.isNull(other) { throw RemoteFields.twoInputs }
            return ("", url)
        }
        let id = try text("input_file_id", fields)
        // Clients that know no `input` must name an id; none looks like an address. (contracts: Bailian OSS inputs)
        if RemoteFields.isAddress(id) { return ("", try RemoteFields.inputURL(id, param: "input_file_id")) }
        guard !id.isEmpty, id.utf8.count <= Self.fileIDBytesMax else {
            throw BatchError.invalid(
                "Invalid 'input_file_id': expected 1 to \(Self.fileIDBytesMax) bytes, but got \(id.utf8.count).",
                code: "invalid_value", param: "input_file_id")
        }
        return (id, nil)
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
