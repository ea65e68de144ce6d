// SPDX-License-Identifier: Apache-2.0

/// A batch as its row stands. Instants are whole Unix seconds by the database's clock.
package struct Batch: Hashable, Sendable {
    /// `batch_…`
    package var id: BatchID
    /// The tenant it belongs to.
    package var project: ProjectID
    /// Where it stands; see ``BatchStatus`` for who moves it on.
    package var status: BatchStatus
    /// The file id as the user gave it; the file may be gone by now.
    package var inputFileID: String
    /// The path that every line names, such as `/v1/chat/completions`.
    package var endpoint: String
    /// The window as the user wrote it, such as `24h`.
    package var completionWindow: String
    /// The one model of all lines; nil until validated, and when a mixed batch has several.
    package var model: String?
    /// The user's metadata as JSON text of an object of strings, or nil.
    package var metadata: String?
    /// Lifetime of the output files in seconds, or nil for the server's default.
    package var outputExpiresAfterSeconds: Int64?
    /// What validation found, as JSON text of the entries of `errors.data`; nil unless `failed`.
    package var problems: String?
    /// Set with `completed`, `expired` or `cancelled` when at least one line succeeded.
    package var outputFileID: FileID?
    /// Set when at least one line failed or was not executed.
    package var errorFileID: FileID?
    /// Lines in all, succeeded, failed.
    package var counts: RequestCounts
    /// Tokens of all executed lines.
    package var usage: Usage
    /// When the row was made.
    package var createdAt: Int64
    /// `createdAt` plus the window.
    package var expiresAt: Int64
    /// When it became `in_progress`.
    package var inProgressAt: Int64?
    /// When it became `finalizing`.
    package var finalizingAt: Int64?
    /// When it became `completed`.
    package var completedAt: Int64?
    /// When it became `failed`.
    package var failedAt: Int64?
    /// When it became `expired`.
    package var expiredAt: Int64?
    /// When it became `cancelling`.
    package var cancellingAt: Int64?
    /// When it became `cancelled`.
    package var cancelledAt: Int64?
    /// Since when no call of it is started; nil unless it is paused. The window goes on meanwhile.
    package var pausedAt: Int64?
    /// Among the batches of a lane the higher goes first, -100…100.
    package var priority: Int16
    /// Which traffic it belongs to.
    package var lane: Lane
    /// The batch whose failed lines this one runs again; nil for a batch of its own.
    package var parent: BatchID?
    /// How each line was run; set with the result files where the server keeps it.
    package var provenanceFileID: FileID?
    /// Where its own end is told, besides the endpoints of its project; nil for nowhere.
    package var webhookURL: String?
    /// The manner it was created in.
    package var profile: Profile
    /// Where its input comes from and its results go, besides the vault; set after the init.
    package var remote = RemoteFiles()
    /// What the user calls it, where its profile has names; set after the init.
    package var name: String?
    /// The queue of an Ark job, which is its ProjectName; set after the init.
    package var queue: String?

    /// A batch from its columns.
    package init(
        id: BatchID, project: ProjectID, status: BatchStatus, inputFileID: String, endpoint: String,
        completionWindow: String, model: String? = nil, metadata: String? = nil,
        outputExpiresAfterSeconds: Int64? = nil, problems: String? = nil, outputFileID: FileID? = nil,
        errorFileID: FileID? = nil, counts: RequestCounts = RequestCounts(), usage: Usage = Usage(),
        createdAt: Int64, expiresAt: Int64, inProgressAt: Int64? = nil, finalizingAt: Int64? = nil,
        completedAt: Int64? = nil, failedAt: Int64? = nil, expiredAt: Int64? = nil, cancellingAt: Int64? = nil,
        cancelledAt: Int64? = nil, pausedAt: Int64? = nil, priority: Int16 = 0, lane: Lane = .normal,
        parent: BatchID? = nil, provenanceFileID: FileID? = nil, webhookURL: String? = nil,
        profile: Profile = .openAI
    ) {
        self.id = id
        self.project = project
        self.status = status
        self.inputFileID = inputFileID
        self.endpoint = endpoint
        self.completionWindow = completionWindow
        self.model = model
        self.metadata = metadata
        self.outputExpiresAfterSeconds = outputExpiresAfterSeconds
        self.problems = problems
        self.outputFileID = outputFileID
        self.errorFileID = errorFileID
        self.counts = counts
        self.usage = usage
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.inProgressAt = inProgressAt
        self.finalizingAt = finalizingAt
        self.completedAt = completedAt
        self.failedAt = failedAt
        self.expiredAt = expiredAt
        self.cancellingAt = cancellingAt
        self.cancelledAt = cancelledAt
        self.pausedAt = pausedAt
        self.priority = priority
        self.lane = lane
        self.parent = parent
        self.provenanceFileID = provenanceFileID
        self.webhookURL = webhookURL
        self.profile = profile
    }
}

/// How many lines a batch has, and how many of them ended which way.
///
/// `completed + failed <= total` always; equal in a `completed` batch. Lines that were never executed are in neither.
package struct RequestCounts: Hashable, Codable, Sendable {
    /// Request lines in the input file; 0 while validating.
    package var total: Int64
    /// Lines whose backend answered 2xx: the lines of the output file.
    package var completed: Int64
    /// Executed lines that ended otherwise.
    package var failed: Int64

    /// Counts; zeros unless given.
    package init(total: Int64 = 0, completed: Int64 = 0, failed: Int64 = 0) {
        self.total = total
        self.completed = completed
        self.failed = failed
    }
}
