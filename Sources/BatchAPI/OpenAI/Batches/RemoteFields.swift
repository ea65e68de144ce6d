// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// `input` of a request to create a batch, and what both directions share: files elsewhere, an extension of ours.
enum RemoteFields {
    /// Reads `{"url": …}`, the place of one object; nil for null.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    static func input(_ tree: JSONTree) throws -> String? {
        if case .null = tree { return nil }
        guard case .object(let members) = tree else {
            throw BatchError.invalidType("input", expected: "an object with url", got: tree.kind)
        }
        let fields = JSONFields(members)
        try fields.allowOnly(["url"], prefix: "input.")
        guard let text = try text("url", of: "input", fields) else { throw BatchError.missing("input.url") }
        return try inputURL(text, param: "input.url")
    }

    /// The address of an input, checked as far as its text tells; also of an `input_file_id` that is an address.
    /// (contracts: Bailian OSS inputs)
    ///
    /// - Throws: a 400 ``BatchCore/BatchError``.
    static func inputURL(_ text: String, param: String) throws -> String {
        if case .object(let object) = try address(text, param: param), object.isPrefix {
            throw invalid(param, "the address \(object) names no object: write the key of the file after the bucket.")
        }
        return text
    }

    /// Whether an `input_file_id` is an address of a file elsewhere and no id. (contracts: Bailian OSS inputs)
    static func isAddress(_ text: String) -> Bool {
        ["http://", "https://", "oss:", "s3://", "tos://"].contains { text.lowercased().hasPrefix($0) }
    }

    /// Refuses URLs that can never be called; names are judged when they are dialled.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError``.
    static func check(input: BatchInput?, output: OutputFields?, _ receivers: ReceiverRule) throws {
        for (url, param) in [
            (input?.address, input?.param ?? ""), (output?.url, "output.url"), (output?.errorsURL, "output.errors_url"),
        ] {
            guard let url, isURL(url) else { continue }
            try receivers.check(url, param: param)
        }
    }

    /// Whether an address is an http(s) URL.
    static func isURL(_ text: String) -> Bool {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        return scheme == "http" || scheme == "https"
    }

    /// Whether a field says that it is not there.
    static func isNull(_ tree: JSONTree) -> Bool {
        if case .null = tree { return true }
        return false
    }

    /// A field of `input` or `output`; nil when it is absent or null.
    static func text(_ name: String, of parent: String, _ fields: JSONFields) throws -> String? {
        guard let tree = fields[name], !isNull(tree) else { return nil }
        guard case .string(let text) = tree else {
            throw BatchError.invalidType("\(parent).\(name)", expected: "a string", got: tree.kind)
        }
        return text
    }

    /// An address that can be one.
    static func address(_ text: String, param: String) throws -> ObjectAddress {
        do throws(ObjectAddressProblem) {
            return try ObjectAddress(text)
        } catch {
            throw invalid(param, "the address \(error.message).")
        }
    }

    /// Both ways to name the input at once.
    static var twoInputs: BatchError {
        .invalid(
            "Both 'input_file_id' and 'input' are given: name the input by one of them.", code: "invalid_value",
            param: "input")
    }

    /// A field whose text is not what it should be; `reason` is one sentence.
    static func invalid(_ param: String, _ reason: String) -> BatchError {
        .invalid("Invalid '\(param)': \(reason)", code: "invalid_value", param: param)
    }
}

/// `output` of a request to create or retry a batch: where its results go besides.
struct OutputFields: Hashable, Sendable {
    /// A prefix of a store that ends in `/`, or a URL that takes a PUT.
    let url: String
    /// The same for the error file; nil: under the same prefix, or nowhere where `url` is no prefix.
    let errorsURL: String?

    /// Reads `{"url": …, "errors_url": …}`; nil for null.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    static func read(_ tree: JSONTree) throws -> OutputFields? {
        if case .null = tree { return nil }
        guard case .object(let members) = tree else {
            throw BatchError.invalidType("output", expected: "an object with url", got: tree.kind)
        }
        let fields = JSONFields(members)
        try fields.allowOnly(["url", "errors_url"], prefix: "output.")
        guard let url = try RemoteFields.text("url", of: "output", fields) else {
            throw BatchError.missing("output.url")
        }
        let errorsURL = try RemoteFields.text("errors_url", of: "output", fields)
        if let errorsURL {
            try check(errorsURL, param: "output.errors_url")
            guard errorsURL != url || !RemoteFields.isURL(url) else {
                throw RemoteFields.invalid(
                    "output.errors_url", "it is the same as 'output.url', and one file would replace the other.")
            }
        }
        try check(url, param: "output.url")
        return OutputFields(url: url, errorsURL: errorsURL)
    }

    private static func check(_ text: String, param: String) throws {
        guard case .object(let object) = try RemoteFields.address(text, param: param) else { return }
        guard object.isPrefix else {
            throw RemoteFields.invalid(
                param, "\(object) is no prefix: end it with '/', and the files are written under it.")
        }
        // The longest name that a result file has.
        guard object.key.utf8.count + nameBytes <= StoredObject.keyBytesMax else {
            throw RemoteFields.invalid(
                param, "the prefix is longer than \(StoredObject.keyBytesMax - nameBytes) bytes.")
        }
    }

    private static let nameBytes = 64
}
