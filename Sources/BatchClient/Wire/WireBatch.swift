// SPDX-License-Identifier: Apache-2.0
package import BatchCore

/// A Batch object as a server sends it; only the fields this client reads, unknown ones are ignored.
/// (contracts: OpenAI Batch object)
package struct WireBatch: Codable, Hashable, Sendable {
    /// `batch_…`
    package var id: String
    /// The path that every line names.
    package var endpoint: String
    /// The one model of all lines; nil until it is known.
    package var model: String?
    /// What validation found; nil unless the batch failed.
    package var errors: WireProblems?
    /// The file the lines come from.
    package var inputFileID: String?
    /// The window as the user wrote it, such as `24h`.
    package var completionWindow: String?
    /// Where the batch stands, as text: a newer server may know states that this client does not.
    package var status: String
    /// Results of lines that succeeded; nil while there are none.
    package var outputFileID: String?
    /// Results of lines that did not; nil while there are none.
    package var errorFileID: String?
    /// Unix seconds, like every instant below.
    package var createdAt: Int64
    /// When the window ends.
    package var expiresAt: Int64?
    /// When the first line could run.
    package var inProgressAt: Int64?
    /// When the writing of the result files began.
    package var finalizingAt: Int64?
    /// When it ended with every line done.
    package var completedAt: Int64?
    /// When validation refused it.
    package var failedAt: Int64?
    /// When its window had passed.
    package var expiredAt: Int64?
    /// When a cancellation was asked for.
    package var cancellingAt: Int64?
    /// When the cancellation was done.
    package var cancelledAt: Int64?
    /// Lines in all, succeeded, failed; nil when the server sends none.
    package var requestCounts: RequestCounts?
    /// Tokens of all executed lines; nil when the server sends none.
    package var usage: WireUsage?
    /// The user's own labels.
    package var metadata: [String: String]?
    /// What only our own server says; nil from others.
    package var shardline: WireExtension?

    /// A batch with the fields that are always there; the others start as nil.
    package init(id: String, endpoint: String, status: String, createdAt: Int64) {
        self.id = id
        self.endpoint = endpoint
        self.status = status
        self.createdAt = createdAt
    }

    enum CodingKeys: String, CodingKey {
        case id, endpoint, model, errors, status, usage, metadata, shardline
        case inputFileID = "input_file_id"
        case completionWindow = "completion_window"
        case outputFileID = "output_file_id"
        case errorFileID = "error_file_id"
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case inProgressAt = "in_progress_at"
        case finalizingAt = "finalizing_at"
        case completedAt = "completed_at"
        case failedAt = "failed_at"
        case expiredAt = "expired_at"
        case cancellingAt = "cancelling_at"
        case cancelledAt = "cancelled_at"
        case requestCounts = "request_counts"
    }

    /// The status as a known state; nil for one this client has not heard of.
    package var knownStatus: BatchStatus? { BatchStatus(rawValue: status) }

    /// Whether nothing about the batch changes any more; false for a state this client has not heard of.
    package var isTerminal: Bool { knownStatus?.isTerminal ?? false }

    /// Lines in all, succeeded, failed; zeros when the server sends none.
    package var counts: RequestCounts { requestCounts ?? RequestCounts() }

    /// When it ended, for a terminal batch.
    package var endedAt: Int64? { completedAt ?? failedAt ?? expiredAt ?? cancelledAt }

    /// What the user called it (`ds_name`, as in Bailian), or nil.
    package var name: String? { metadata?["ds_name"] }

    /// Whether it starts no calls until it is resumed.
    package var isPaused: Bool { shardline?.pausedAt != nil && !isTerminal }

    /// The batch whose failed lines this one runs again; nil for a batch of its own.
    package var parentID: String? { shardline?.parentBatchID }

    /// The file that tells how each line was run; nil while, or where, there is none.
    package var provenanceFileID: String? { shardline?.provenanceFileID }
}

/// The member `shardline` of a Batch object.
package struct WireExtension: Codable, Hashable, Sendable {
    /// Since when it is paused, Unix seconds; nil when it is not.
    package var pausedAt: Int64?
    /// -100…100, 0 unless given.
    package var priority: Int?
    /// `normal` or `background`.
    package var lane: String?
    /// The batch whose failed lines this one runs again.
    package var parentBatchID: String?
    /// The file that tells how each line was run.
    package var provenanceFileID: String?
    /// Who is told when it ends, besides the project's endpoints; nil for nobody.
    package var webhookURL: String?
    /// Where the input was fetched from; nil for an uploaded file.
    package var input: WireRemoteInput?
    /// Where the results go besides; nil for nowhere.
    package var output: WireRemoteOutput?

    /// An extension without anything.
    package init() {}

    enum CodingKeys: String, CodingKey {
        case priority, lane, input, output
        case pausedAt = "paused_at"
        case parentBatchID = "parent_batch_id"
        case provenanceFileID = "provenance_file_id"
        case webhookURL = "webhook_url"
    }
}

/// Where the input of a batch came from.
package struct WireRemoteInput: Codable, Hashable, Sendable {
    /// The address, without the query of a URL.
    package var url: String
}

/// Where the results of a batch go besides.
package struct WireRemoteOutput: Codable, Hashable, Sendable {
    /// The prefix or URL, without its query.
    package var url: String
    /// `pending`, `delivered`, `failed` or `none`.
    package var status: String?
    /// Why they are not there.
    package var error: String?
    /// What was written.
    package var objects: [String]?
}

/// Why a batch failed validation. (contracts: OpenAI validation errors)
package struct WireProblems: Codable, Hashable, Sendable {
    /// At least one; the server caps their number and says so in the last one.
    package var data: [WireProblem]

    /// These problems.
    package init(data: [WireProblem]) {
        self.data = data
    }
}

/// One reason why a batch failed validation.
package struct WireProblem: Codable, Hashable, Sendable {
    /// Stable name, such as `duplicate_custom_id`.
    package var code: String?
    /// One or two sentences.
    package var message: String?
    /// The field, such as `body.model`.
    package var param: String?
    /// 1-based physical line of the input file; nil when the file as a whole is meant.
    package var line: Int64?

    /// A problem from its fields.
    package init(code: String?, message: String?, param: String? = nil, line: Int64? = nil) {
        self.code = code
        self.message = message
        self.param = param
        self.line = line
    }
}

/// Tokens of a batch. (contracts: OpenAI Batch object, usage)
package struct WireUsage: Codable, Hashable, Sendable {
    /// Tokens of all prompts.
    package var inputTokens: Int64?
    /// Tokens of all answers.
    package var outputTokens: Int64?
    /// Both together.
    package var totalTokens: Int64?

    /// Token counts.
    package init(inputTokens: Int64?, outputTokens: Int64?, totalTokens: Int64?) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.totalTokens = totalTokens
    }

    enum CodingKeys: String, CodingKey {
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
        case totalTokens = "total_tokens"
    }
}
