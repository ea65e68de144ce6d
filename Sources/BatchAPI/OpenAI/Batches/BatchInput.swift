// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What a request to create a batch names as its input.
enum BatchInput: Hashable, Sendable {
    /// A file of the project; whether it exists is found out by validation.
    case file(String)
    /// A URL, or an object of a store, that is fetched first: `input.url`, or an `input_file_id` that is an address.
    /// (contracts: Bailian OSS inputs)
    case address(String, param: String)

    /// Longest file id that is looked at, in UTF-8 bytes.
    static let fileIDBytesMax = 512

    /// The file id; empty for an address.
    var fileID: String {
        if case .file(let id) = self { return id }
        return ""
    }

    /// The address; nil for a file.
    var address: String? {
        if case .address(let text, _) = self { return text }
        return nil
    }

    /// The field that named it.
    var param: String {
        if case .address(_, let param) = self { return param }
        return "input_file_id"
    }

    /// What the fields of a request name: `input_file_id` or `input`, one of them.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for the first thing that is wrong.
    init(_ fields: JSONFields) throws {
        let id = fields["input_file_id"].flatMap { RemoteFields.isNull($0) ? nil : $0 }
        if let address = try fields["input"].flatMap(RemoteFields.input) {
            guard id == nil else { throw RemoteFields.twoInputs }
            self = .address(address, param: "input.url")
            return
        }
        guard let tree = id ?? fields["input_file_id"] else { throw BatchError.missing("input_file_id") }
        guard case .string(let text) = tree else {
            throw BatchError.invalidType("input_file_id", expected: "a string", got: tree.kind)
        }
        guard !text.utf8.contains(0) else { throw BatchError.containsNUL("input_file_id") }
        // Clients that know no `input` must name an id; none looks like an address.
        if RemoteFields.isAddress(text) {
            self = .address(try RemoteFields.inputURL(text, param: "input_file_id"), param: "input_file_id")
            return
        }
        guard !text.isEmpty, text.utf8.count <= Self.fileIDBytesMax else {
            throw BatchError.invalid(
                "Invalid 'input_file_id': expected 1 to \(Self.fileIDBytesMax) bytes, but got \(text.utf8.count).",
                code: "invalid_value", param: "input_file_id")
        }
        self = .file(text)
    }
}
