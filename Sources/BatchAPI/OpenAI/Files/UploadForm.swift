// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// The form of an upload as its parts come by: the file's bytes pass through, the small fields are kept.
///
/// No order is assumed: some SDKs send `purpose` first, others the file. (contracts: upload encoding differences)
struct UploadForm {
    /// What an upload asked for.
    struct Fields: Hashable, Sendable {
        /// What the file is for.
        let purpose: FilePurpose
        /// Name of the file as it was sent.
        let filename: String
        /// Lifetime in seconds, or nil for the server's default.
        let expiresAfterSeconds: Int64?
    }

    private enum Current {
        case nothing
        case file
        case field(String)
    }

    /// Name of a file that was sent without one.
    private static let defaultFilename = "unknown_file"
    private static let filenameBytesMax = 4_096
    private static let fieldBytesMax = 4_096
    private static let known: Set<String> = [
        "purpose", "expires_after", "expires_after[anchor]", "expires_after[seconds]", "expires_after.anchor",
        "expires_after.seconds",
    ]

    private var current = Current.nothing
    private var filename: String?
    private var purpose: FilePurpose?
    private var anchor: String?
    private var seconds: Int64?
    private var wholeExpiry: Int64?
    private var seen: Set<String> = []
    private var held: [UInt8] = []

    /// An empty form.
    init() {}

    /// Takes what the parser found; bytes of the file go to `file`.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` as soon as something cannot be right, or what `file` throws.
    mutating func take(_ event: MultipartEvent, file: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch event {
        case .partBegin(let header): try begin(header)
        case .partBytes(let bytes):
            guard case .field(let name) = current else { return try file(bytes) }
            guard held.count + bytes.count <= Self.fieldBytesMax else {
                throw BatchError.invalid(
                    "The form field '\(name)' is longer than \(Self.fieldBytesMax) bytes.", param: name)
            }
            held.append(contentsOf: bytes)
        case .partEnd:
            if case .field(let name) = current { try keep(name) }
            current = .nothing
        case .finished: break
        }
    }

    /// What the whole form asked for.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` for what is missing.
    func finish() throws -> Fields {
        guard let filename else {
            throw BatchError.invalid(
                "Missing required parameter: 'file'. Send the file as a form part named file.",
                code: "missing_required_parameter", param: "file")
        }
        guard let purpose else {
            throw BatchError.invalid(
                "Missing required parameter: 'purpose'. Send a form field named purpose, such as purpose=batch.",
                code: "missing_required_parameter", param: "purpose")
        }
        if anchor != nil, seconds == nil { throw BatchError.missing("expires_after[seconds]") }
        if seconds != nil, anchor == nil { throw BatchError.missing("expires_after[anchor]") }
        return Fields(purpose: purpose, filename: filename, expiresAfterSeconds: seconds ?? wholeExpiry)
    }

    private mutating func begin(_ header: PartHeader) throws {
        let name = header.name
        guard name == "file" || Self.known.contains(name) else { throw BatchError.unknownParameter(name) }
        guard seen.insert(name).inserted else {
            throw BatchError.invalid(
                name == "file"
                    ? "The form has two parts named 'file'; upload one file per request."
                    : "The form has two fields named '\(name)'.", param: name)
        }
        held.removeAll(keepingCapacity: true)
        guard name == "file" else {
            current = .field(name)
            return
        }
        let sent = header.filename.flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultFilename
        guard sent.utf8.count <= Self.filenameBytesMax else {
            throw BatchError.invalid(
                "The name of the file is longer than \(Self.filenameBytesMax) bytes.", param: "file")
        }
        filename = sent
        current = .file
    }

    private mutating func keep(_ name: String) throws {
        guard let text = String(validating: held, as: UTF8.self), !text.utf8.contains(0) else {
            throw BatchError.invalid("The form field '\(name)' is not text in UTF-8.", param: name)
        }
        switch name {
        case "purpose": purpose = try Self.purpose(text)
        case "expires_after[anchor]", "expires_after.anchor":
            try ExpiryRule.check(anchor: text, param: name)
            anchor = text
        case "expires_after[seconds]", "expires_after.seconds":
            seconds = try ExpiryRule.check(seconds: text, param: name)
        default:
            wholeExpiry = try ExpiryRule.seconds(in: try JSONTree.parse(held), param: name)
        }
    }

    private static func purpose(_ text: String) throws -> FilePurpose {
        guard let purpose = FilePurpose(rawValue: text), purpose.isUploadable else {
            throw BatchError.invalidValue(
                text, param: "purpose", supported: FilePurpose.allCases.filter(\.isUploadable).map(\.rawValue))
        }
        return purpose
    }
}
