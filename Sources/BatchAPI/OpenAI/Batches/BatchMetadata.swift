// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The notes a user attaches to a batch: at most 16 pairs of strings. (contracts: OpenAI batch create request)
enum BatchMetadata {
    /// Most pairs.
    static let pairsMax = 16
    /// Longest key, in Unicode scalars.
    static let keyMax = 64
    /// Longest value, in Unicode scalars; one that is a URL may be longer. (contracts: Bailian metadata)
    static let valueMax = 512
    /// Where the end of the batch is told, the way of Bailian.
    static let callbackKey = "ds_batch_finish_callback"
    /// What the user calls the batch, the way of Bailian.
    static let nameKey = "ds_name"

    /// The metadata as compact JSON text with the user's order of keys; nil for null.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that names the pair.
    static func text(of tree: JSONTree, profile: Profile = .openAI) throws -> String? {
        if case .null = tree { return nil }
        guard case .object(let members) = tree else {
            throw BatchError.invalidType("metadata", expected: "an object with string values", got: tree.kind)
        }
        let fields = JSONFields(members)
        guard fields.names.count <= pairsMax else {
            throw BatchError.invalid(
                "Invalid 'metadata': too many properties. Expected an object with at most \(pairsMax) properties, but "
                    + "got an object with \(fields.names.count) properties instead.",
                code: "object_above_max_properties", param: "metadata")
        }
        return JSONValue.object(try fields.names.map { try pair($0, fields, profile) }).text
    }

    /// What the user calls the batch; nil when it has no name.
    static func name(in tree: JSONTree) -> String? {
        guard case .object(let members) = tree, case .string(let name) = JSONFields(members)[nameKey], !name.isEmpty
        else { return nil }
        return name
    }

    /// The URL of `ds_batch_finish_callback`, checked; nil when there is none.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that says what is wrong with it.
    static func callbackURL(in tree: JSONTree) throws -> String? {
        guard case .object(let members) = tree, case .string(let url) = JSONFields(members)[callbackKey], !url.isEmpty
        else { return nil }
        return try WebhookFields.url(url, param: "metadata.\(callbackKey)")
    }

    private static func limit(of value: String, key: String, _ profile: Profile) -> Int {
        if let length = profile.metadataLengths[key] { return length }
        return value.hasPrefix("http://") || value.hasPrefix("https://") ? OutboundURL.bytesMax : valueMax
    }

    private static func pair(_ key: String, _ fields: JSONFields, _ profile: Profile) throws -> JSONValue.Member {
        let param = "metadata.\(key.prefix(keyMax))"
        guard key.unicodeScalars.count <= keyMax else {
            throw tooLong(param, what: "key", max: keyMax, count: key.unicodeScalars.count)
        }
        guard let tree = fields[key], case .string(let value) = tree else {
            throw BatchError.invalidType(param, expected: "a string", got: fields[key]?.kind ?? "nothing")
        }
        let lengthMax = limit(of: value, key: key, profile)
        guard value.unicodeScalars.count <= lengthMax else {
            throw tooLong(param, what: "value", max: lengthMax, count: value.unicodeScalars.count)
        }
        guard !key.utf8.contains(0) else { throw BatchError.containsNUL("metadata") }
        guard !value.utf8.contains(0) else { throw BatchError.containsNUL(param) }
        return JSONValue.Member(key, .string(value))
    }

    private static func tooLong(_ param: String, what: String, max: Int, count: Int) -> BatchError {
        .invalid(
            "Invalid '\(param)': \(what) too long. Expected at most \(max) characters, but got \(count) instead.",
            code: "string_above_max_length", param: param)
    }
}
