// SPDX-License-Identifier: Apache-2.0

/// Where the files of a batch are besides the vault: the address its input is fetched from, and where its results go.
package struct RemoteFiles: Hashable, Sendable {
    /// The input as the user wrote it; nil for an uploaded file. Its query may be a permission: show it to nobody but
    /// the user, and here not even to them (see ``ObjectAddress/shown(_:)``).
    package var inputURL: String?
    /// Where the results go; nil for nowhere else.
    package var output: RemoteOutput?

    /// Files that are here only, unless given.
    package init(inputURL: String? = nil, output: RemoteOutput? = nil) {
        self.inputURL = inputURL
        self.output = output
    }

    /// `shardline.input` of a Batch object.
    var inputObject: JSONValue {
        guard let inputURL else { return .null }
        return .object([.init("url", .string(ObjectAddress.shown(inputURL)))])
    }
}

/// Where the results of a batch go, and what became of it.
package struct RemoteOutput: Hashable, Sendable {
    /// A prefix of a store, or a URL that takes a PUT; as the user wrote it.
    package var url: String
    /// The same for the error file alone; nil: it goes beside the output file, where that is a prefix.
    package var errorsURL: String?
    /// How it ended; nil until the batch has ended.
    package var outcome: RemoteOutcome?

    /// A wish that nothing has come of yet.
    package init(url: String, errorsURL: String? = nil, outcome: RemoteOutcome? = nil) {
        self.url = url
        self.errorsURL = errorsURL
        self.outcome = outcome
    }

    /// `shardline.output` of a Batch object. `status` is `pending`, `delivered`, `failed`, or `none` for a batch that
    /// failed validation and has no results.
    func object(isTerminal: Bool) -> JSONValue {
        .object([
            .init("url", .string(ObjectAddress.shown(url))),
            .init("errors_url", JSONValue(errorsURL.map(ObjectAddress.shown))),
            .init("status", .string(outcome?.status.rawValue ?? (isTerminal ? "none" : "pending"))),
            .init("error", JSONValue(outcome?.error)),
            .init("objects", outcome.map { .raw($0.objectsText) } ?? .array([])),
        ])
    }
}

/// How the delivery of a batch's results ended; recorded in the commit that ends the batch.
package struct RemoteOutcome: Hashable, Sendable {
    /// Whether all files that had somewhere to go are there.
    package enum Status: String, CaseIterable, Hashable, Sendable {
        /// They are.
        case delivered
        /// At least one is not, and nobody tries any more; it can be downloaded here.
        case failed
    }

    /// Whether they are there.
    package var status: Status
    /// Why not, for the user; nil when they are.
    package var error: String?
    /// JSON text of an array of the addresses that were written, without permissions.
    package var objectsText: String

    /// An outcome as its columns hold it.
    package init(status: Status, error: String?, objectsText: String) {
        self.status = status
        self.error = error
        self.objectsText = objectsText
    }

    /// An outcome of these addresses; `failed` when there is an error.
    package init(objects: [String], error: String?) {
        self.init(
            status: error == nil ? .delivered : .failed, error: error,
            objectsText: JSONValue.array(objects.map { .string($0) }).text)
    }
}

extension ObjectAddress {
    /// The text of an address as anybody may see it: the query of a URL, which may be a permission, is left out.
    package static func shown(_ text: String) -> String {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else { return text }
        let bytes = text.utf8.prefix { $0 != UInt8(ascii: "?") }
        return String(decoding: bytes, as: UTF8.self) + (bytes.count < text.utf8.count ? "?(hidden)" : "")
    }
}
