// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A batch about to be made of the lines of another one that did not succeed. What is nil is taken from that one.
package struct NewRetry: Sendable {
    /// The tenant, which must own the other batch.
    package var project: ProjectID
    /// The batch whose lines failed, expired or were cancelled.
    package var parent: BatchID
    /// The time the new batch has.
    package var window: CompletionWindow?
    /// JSON text of an object of strings.
    package var metadata: String?
    /// Among the batches of its lane the higher goes first, -100…100.
    package var priority: Int16?
    /// Which traffic it belongs to.
    package var lane: Lane?
    /// Where its end is told and the sealed secret that signs it, together.
    package var webhook: (url: String, secret: [UInt8]?)?
    /// `ds_batch_finish_callback` of the metadata, when `metadata` is given.
    package var callbackURL: String?
    /// `ds_name` of the metadata, when `metadata` is given.
    package var name: String?
    /// How many batches of the parent's profile the project may have under way.
    package var runningMax: @Sendable (Profile) -> RunningLimits = { _ in RunningLimits() }
    /// Where the results go; not taken from the other batch, whose results are there.
    package var output: (url: String, errorsURL: String?)?
    /// The `Idempotency-Key` of the request, or nil.
    package var idempotencyKey: String?
    /// SHA-256 of what makes the request this one: its path and body.
    package var requestSHA256: [UInt8]
    /// Whether the client says that it sends the request again (`x-stainless-retry-count` above 0).
    package var isRetry: Bool

    /// A retry that takes everything from its parent.
    package init(
        project: ProjectID, parent: BatchID, idempotencyKey: String? = nil, requestSHA256: [UInt8],
        isRetry: Bool = false
    ) {
        self.project = project
        self.parent = parent
        self.idempotencyKey = idempotencyKey
        self.requestSHA256 = requestSHA256
        self.isRetry = isRetry
    }
}

extension Store {
    /// Records a batch of the lines of another one that did not succeed, or finds the one that the same request made
    /// before. Which lines these are is found out by validation, from the parent's error file.
    ///
    /// - Throws: a 404, or a 409 ``BatchCore/BatchError`` that says why there is nothing to run again.
    package func retryBatch(_ retry: NewRetry) async throws -> (batch: Batch, isNew: Bool) {
        try await pool.transaction { session in
            guard let parent = try Self.findBatch(retry.parent, project: retry.project, session) else {
                throw BatchError.notFound("No batch found with id '\(retry.parent)'.")
            }
            let new = try Self.child(of: parent, retry, session)
            if let existing = try Self.repeated(new, session) { return (existing, false) }
            try Self.checkRetry(of: parent, session)
            return (try Self.insertBatch(new, session), true)
        }
    }

    private static func child(of parent: Batch, _ retry: NewRetry, _ session: Session) throws -> NewBatch {
        // The parent's window was accepted once, whatever the limits are now.
        guard let window = retry.window ?? CompletionWindow(parent.completionWindow, range: 1...Int64.max) else {
            throw RowMismatch(description: "batch \(parent.id) has the window '\(parent.completionWindow)'")
        }
        var new = NewBatch(
            project: retry.project, inputFileID: parent.inputFileID, endpoint: parent.endpoint, window: window,
            metadata: retry.metadata ?? parent.metadata,
            outputExpiresAfterSeconds: parent.outputExpiresAfterSeconds,
            priority: retry.priority ?? parent.priority, lane: retry.lane ?? parent.lane, parent: parent.id,
            idempotencyKey: retry.idempotencyKey, requestSHA256: retry.requestSHA256, isRetry: retry.isRetry)
        let receivers = try session.query(
            "select webhook_secret, callback_url, name from batches where id = \(parent.id.rawValue)"
        ).onlyRow("batches")
        if let webhook = retry.webhook {
            (new.webhookURL, new.webhookSecret) = webhook
        } else {
            new.webhookURL = parent.webhookURL
            new.webhookSecret = try receivers["webhook_secret", as: [UInt8]?.self]
        }
        new.profile = parent.profile
        new.runningMax = retry.runningMax(parent.profile)
        new.name = retry.metadata == nil ? try receivers["name", as: String?.self] : retry.name
        new.callbackURL =
            retry.metadata == nil ? try receivers["callback_url", as: String?.self] : retry.callbackURL
        new.outputURL = retry.output?.url
        new.errorsURL = retry.output?.errorsURL
        return new
    }

    private static func checkRetry(of parent: Batch, _ session: Session) throws {
        guard parent.status.isTerminal else {
            throw BatchError.conflict(
                "Cannot retry a batch with status '\(parent.status.rawValue)'; wait for its end or cancel it first.")
        }
        guard parent.status != .failed else {
            throw BatchError.conflict(
                "Cannot retry a batch with status 'failed': its input file was refused and no line was run. "
                    + "Correct the file and create a new batch.")
        }
        guard let errorFile = parent.errorFileID else {
            throw BatchError.conflict(
                "There is nothing to retry: no line of the batch '\(parent.id)' failed or was left out.")
        }
        guard try isStored(errorFile.rawValue, parent.project, session) else {
            throw BatchError.conflict(
                "The error file '\(errorFile)' of the batch '\(parent.id)' was deleted or has expired, so nobody knows "
                    + "which lines failed. Create a new batch of the lines you want to run.")
        }
        guard try isStored(parent.inputFileID, parent.project, session) else {
            throw BatchError.conflict(
                "The input file '\(parent.inputFileID)' of the batch '\(parent.id)' was deleted or has expired. "
                    + "Upload the lines you want to run and create a new batch.")
        }
    }

    private static func isStored(_ file: String, _ project: ProjectID, _ session: Session) throws -> Bool {
        try !session.query(
            """
            select 1 from files where id = \(file) and project_id = \(project.rawValue) and deleted_at is null
              and (expires_at is null or expires_at > clock_timestamp())
            """
        ).isEmpty
    }
}
