// SPDX-License-Identifier: Apache-2.0

extension StoredFile {
    /// The FileObject of the OpenAI API, every key present. (contracts: OpenAI FileObject)
    package var fileObject: JSONValue {
        .object([
            .init("id", .string(id.rawValue)),
            .init("object", .string("file")),
            .init("bytes", .integer(bytes)),
            .init("created_at", .integer(createdAt)),
            .init("expires_at", JSONValue(expiresAt)),
            .init("filename", .string(filename)),
            .init("purpose", .string(purpose.rawValue)),
            .init("status", .string("processed")),
            .init("status_details", .null),
        ])
    }
}

extension LineProblem {
    /// One entry of `errors.data` of a batch. (contracts: OpenAI validation errors)
    package var errorObject: JSONValue {
        .object([
            .init("code", .string(code)),
            .init("line", JSONValue(line.map(Int64.init))),
            .init("message", .string(message)),
            .init("param", JSONValue(param)),
        ])
    }
}

extension Batch {
    /// The Batch object of the OpenAI API, every key present, null where not set, and one member of our own,
    /// `shardline`. (contracts: OpenAI Batch object)
    ///
    /// An address whose query may be a permission is shown without it.
    package var batchObject: JSONValue { batchObject(inputFileID: shownInput) }

    /// The same for the project itself in the manner of `viewer`: to Bailian's clients the address that they named as
    /// `input_file_id` is repeated to the letter. (contracts: Bailian OSS inputs)
    package func batchObject(for viewer: Profile) -> JSONValue {
        guard profile == .bailian, viewer == .bailian, let address = remote.inputURL else { return batchObject }
        return batchObject(inputFileID: address)
    }

    private func batchObject(inputFileID: String) -> JSONValue {
        .object([
            .init("id", .string(id.rawValue)),
            .init("object", .string("batch")),
            .init("endpoint", .string(endpoint)),
            .init("model", JSONValue(model)),
            .init("errors", problems.map(Self.problemList) ?? .null),
            .init("input_file_id", .string(inputFileID)),
            .init("completion_window", .string(completionWindow)),
            .init("status", .string(status.rawValue)),
            .init("output_file_id", JSONValue(outputFileID?.rawValue)),
            .init("error_file_id", JSONValue(errorFileID?.rawValue)),
            .init("created_at", .integer(createdAt)),
            .init("in_progress_at", JSONValue(inProgressAt)),
            .init("expires_at", .integer(expiresAt)),
            .init("finalizing_at", JSONValue(finalizingAt)),
            .init("completed_at", JSONValue(completedAt)),
            .init("failed_at", JSONValue(failedAt)),
            .init("expired_at", JSONValue(expiredAt)),
            .init("cancelling_at", JSONValue(cancellingAt)),
            .init("cancelled_at", JSONValue(cancelledAt)),
            .init("request_counts", countsObject),
            .init("usage", usageObject),
            .init("metadata", metadata.map(JSONValue.raw) ?? .null),
            .init("shardline", extensionObject),
        ])
    }

    /// The file's id, or in Bailian's profile the address in its place.
    private var shownInput: String {
        profile == .bailian ? remote.inputURL.map(ObjectAddress.shown) ?? inputFileID : inputFileID
    }

    /// What OpenAI's object has no place for.
    private var extensionObject: JSONValue {
        .object([
            .init("paused_at", JSONValue(pausedAt)),
            .init("priority", .integer(Int64(priority))),
            .init("lane", .string(lane.name)),
            .init("parent_batch_id", JSONValue(parent?.rawValue)),
            .init("provenance_file_id", JSONValue(provenanceFileID?.rawValue)),
            .init("webhook_url", JSONValue(webhookURL)),
            .init("profile", .string(profile.rawValue)),
            .init("input", remote.inputObject),
            .init("output", remote.output?.object(isTerminal: status.isTerminal) ?? .null),
        ])
    }

    private static func problemList(_ entries: String) -> JSONValue {
        .object([.init("object", .string("list")), .init("data", .raw(entries))])
    }

    /// `request_counts`.
    package var countsObject: JSONValue {
        .object([
            .init("total", .integer(counts.total)),
            .init("completed", .integer(counts.completed)),
            .init("failed", .integer(counts.failed)),
        ])
    }

    private var usageObject: JSONValue {
        .object([
            .init("input_tokens", .integer(usage.inputTokens)),
            .init("input_tokens_details", .object([.init("cached_tokens", .integer(usage.cachedTokens))])),
            .init("output_tokens", .integer(usage.outputTokens)),
            .init("output_tokens_details", .object([.init("reasoning_tokens", .integer(usage.reasoningTokens))])),
            .init("total_tokens", .integer(usage.totalTokens)),
        ])
    }
}

extension BatchError {
    /// The error body: all four keys, always. (contracts: OpenAI error body)
    package var errorBody: JSONValue {
        .object([
            .init(
                "error",
                .object([
                    .init("message", .string(message)),
                    .init("type", .string(type)),
                    .init("param", JSONValue(param)),
                    .init("code", JSONValue(code)),
                ]))
        ])
    }
}

/// One page of a cursor list, newest first unless asked otherwise. (contracts: OpenAI pagination)
package struct ListPage<Element: Sendable>: Sendable {
    /// The elements of this page.
    package var elements: [Element]
    /// Whether another page follows.
    package var hasMore: Bool

    /// A page.
    package init(elements: [Element], hasMore: Bool) {
        self.elements = elements
        self.hasMore = hasMore
    }

    /// The list object; `id` and `object` render one element.
    package func listObject(id: (Element) -> String, object: (Element) -> JSONValue) -> JSONValue {
        .object([
            .init("object", .string("list")),
            .init("data", .array(elements.map(object))),
            .init("first_id", JSONValue(elements.first.map(id))),
            .init("last_id", JSONValue(elements.last.map(id))),
            .init("has_more", .bool(hasMore)),
        ])
    }
}
