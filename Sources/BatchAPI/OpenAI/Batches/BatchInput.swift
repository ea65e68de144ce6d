// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What `input_file_id` of a request names.
enum BatchInput: Hashable, Sendable {
    /// A file of the project; whether it exists is found out by validation.
    case file(String)
    /// A URL, or an object as `oss:region:bucket/key`; only where the profile takes such. (contracts: Bailian OSS
    /// inputs)
    case address(String)

    /// Longest file id that is looked at, in UTF-8 bytes.
    static let fileIDBytesMax = 512
    /// Longest address, in UTF-8 bytes.
    static let addressBytesMax = 8_192

    /// What the batch echoes: the text as the user gave it.
    var text: String {
        switch self {
        case .file(let text), .address(let text): text
        }
    }

    /// What `text` names for a request in the manner of `profile`.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for a text that is too long or empty.
    init(_ text: String, profile: Profile) throws {
        let isAddress =
            profile.takesInputAddresses && ["https://", "http://", "oss:"].contains { text.lowercased().hasPrefix($0) }
        let bytesMax = isAddress ? Self.addressBytesMax : Self.fileIDBytesMax
        guard !text.isEmpty, text.utf8.count <= bytesMax else {
            throw BatchError.invalid(
                "Invalid 'input_file_id': expected 1 to \(bytesMax) bytes, but got \(text.utf8.count).",
                code: "invalid_value", param: "input_file_id")
        }
        self = isAddress ? .address(text) : .file(text)
    }
}
