// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A batch about to be recorded; its fields are checked by the caller.
package struct NewBatch: Sendable {
    /// The tenant it belongs to.
    package var project: ProjectID
    /// The file id as the user gave it; whether it exists is found out by validation.
    package var inputFileID: String
    /// The path that every line names.
    package var endpoint: String
    /// The time it has.
    package var window: CompletionWindow
    /// JSON text of an object of strings, or nil.
    package var metadata: String?
    /// Lifetime of the output files, or nil for the server's default.
    package var outputExpiresAfterSeconds: Int64?
    /// Among the batches of its lane the higher goes first, -100…100.
    package var priority: Int16
    /// Which traffic it belongs to.
    package var lane: Lane
    /// The batch whose failed lines it runs again; nil for a batch of its own.
    package var parent: BatchID?
    /// Where its end is told: the `webhook` of the request; nil for nowhere, or where its parent's is told.
    package var webhookURL: String?
    /// The secret that signs it, sealed for ``SealedSecret/context(ofBatchesOf:)``; nil leaves it unsigned.
    package var webhookSecret: [UInt8]?
    /// Where its end is told the way of Bailian: `ds_batch_finish_callback` of the metadata, or nil.
    package var callbackURL: String?
    /// The manner it is created in.
    package var profile = Profile.openAI
    /// `ds_name` of the metadata, by which it can be found, or nil.
    package var name: String?
    /// The id it gets; nil for a fresh one. Ark's jobs have theirs beforehand, because it is part of ``outputURL``.
    package var id: BatchID?
    /// The model of all lines where the lines themselves name none (Ark), as backends know it; else nil.
    package var model: String?
    /// Ark jobs of one project with the same queue share the places for jobs under way: the ProjectName.
    package var queue: String?
    /// How many batches of its profile its project may have under way, itself included.
    package var runningMax = RunningLimits()
    /// Where the input is fetched from, as the user wrote it; then `inputFileID` is not looked at, and an id is
    /// reserved for the file.
    package var inputURL: String?
    /// Where the results go, or nil.
    package var outputURL: String?
    /// Where the error file goes, when it is elsewhere than ``outputURL``.
    package var errorsURL: String?
    /// The `Idempotency-Key` of the request, or nil.
    package var idempotencyKey: String?
    /// SHA-256 of the request body.
    package var requestSHA256: [UInt8]
    /// Whether the client says that it sends the request again (`x-stainless-retry-count` above 0).
    package var isRetry: Bool

    /// A batch about to be recorded.
    package init(
        project: ProjectID, inputFileID: String, endpoint: String, window: CompletionWindow, metadata: String? = nil,
        outputExpiresAfterSeconds: Int64? = nil, priority: Int16 = 0, lane: Lane = .normal, parent: BatchID? = nil,
        idempotencyKey: String? = nil, requestSHA256: [UInt8], isRetry: Bool = false
    ) {
        self.project = project
        self.inputFileID = inputFileID
        self.endpoint = endpoint
        self.window = window
        self.metadata = metadata
        self.outputExpiresAfterSeconds = outputExpiresAfterSeconds
        self.priority = priority
        self.lane = lane
        self.parent = parent
        self.idempotencyKey = idempotencyKey
        self.requestSHA256 = requestSHA256
        self.isRetry = isRetry
    }
}

extension Store {
    /// The queue of Ark jobs that name none. (contracts: Ark create request, ProjectName)
    private static let standardQueue = "default"
    /// How long an `Idempotency-Key` is remembered.
    private static let idempotencyWindow = Duration.seconds(86_400)
    /// How long a repeated request without a key is recognised by its body.
    private static let retryWindow = Duration.seconds(60)

    /// Records a batch, or finds the one that the same request made before.
    ///
    /// The SDKs send no idempotency header, so a request that says it is a retry and has the same body as one of the
    /// last minute gets that one's batch. The advisory locks make a request and its repeat agree even when both are
    /// under way at once.
    /// (contracts: OpenAI timeouts, retries, idempotency)
    /// - Throws: a 409 ``BatchCore/BatchError`` when the key was used with another body, a 429 when too many batches
    ///   are under way.
    package func insertBatch(_ new: NewBatch) async throws -> (batch: Batch, isNew: Bool) {
        try await pool.transaction { session in
            if let existing = try Self.repeated(new, session) { return (existing, false) }
            return (try Self.insertBatch(new, session), true)
        }
    }

    /// Records a batch inside a transaction, and wakes who validates it.
    static func insertBatch(_ new: NewBatch, _ session: Session) throws -> Batch {
        try checkRunning(new, session)
        let id = new.id ?? BatchID.random()
        let queue = new.profile == .ark ? new.queue ?? Self.standardQueue : nil
        let inputFileID = new.inputURL == nil ? new.inputFileID : new.profile.fileID(.upload).rawValue
        let rows = try session.query(
            """
            with now as materialized (select clock_timestamp() as t)
            insert into batches (id, project_id, input_file_id, endpoint, completion_window, metadata,
                output_expires_after_seconds, priority, lane, parent_batch_id, idempotency_key, request_sha256,
                webhook_url, webhook_secret, callback_url, profile, name, input_url, output_url, errors_url,
                model, queue, queued_at, created_at, expires_at)
            select \(id.rawValue), \(new.project.rawValue), \(inputFileID), \(new.endpoint),
                \(new.window.text), \(new.metadata), \(new.outputExpiresAfterSeconds), \(new.priority),
                \(new.lane.rawValue), \(new.parent?.rawValue), \(new.idempotencyKey), \(new.requestSHA256),
                \(new.webhookURL), \(new.webhookSecret), \(new.callbackURL), \(new.profile.rawValue), \(new.name),
                \(new.inputURL), \(new.outputURL), \(new.errorsURL), \(new.model),
                \(queue), case when \(queue != nil) then t end, t, t + \(Duration.seconds(new.window.seconds)) from now
            returning \(unescaped: batchColumns)
            """)
        try session.query("select pg_notify(\(Signals.batches), \(id.rawValue))")
        return try batch(rows.onlyRow("batches"))
    }

    /// The batch that the same request made before; nil when it is new.
    static func repeated(_ new: NewBatch, _ session: Session) throws -> Batch? {
        if let key = new.idempotencyKey {
            try session.query("select pg_advisory_xact_lock(hashtextextended(\(new.project.rawValue + "/" + key), 1))")
            let rows = try session.query(
                """
                select id, request_sha256 = \(new.requestSHA256) as is_same from batches
                where project_id = \(new.project.rawValue) and idempotency_key = \(key)
                  and created_at > clock_timestamp() - \(idempotencyWindow)
                order by seq desc limit 1
                """)
            guard let row = rows.first else { return nil }
            guard try row["is_same", as: Bool.self] else {
                throw BatchError.conflict(
                    "The Idempotency-Key '\(key)' was used for a different request within the last 24 hours; "
                        + "use a new key for a new request.")
            }
            return try findBatch(row.identifier("id"), project: new.project, session)
        }
        try session.query(
            """
            select pg_advisory_xact_lock(
                hashtextextended(\(new.project.rawValue) || encode(\(new.requestSHA256), 'hex'), 2))
            """)
        guard new.isRetry else { return nil }
        let rows = try session.query(
            """
            select id from batches
            where project_id = \(new.project.rawValue) and request_sha256 = \(new.requestSHA256)
              and created_at > clock_timestamp() - \(retryWindow)
            order by seq desc limit 1
            """)
        return try rows.first.flatMap { try findBatch($0.identifier("id"), project: new.project, session) }
    }

    /// The columns that ``batch(_:)`` reads.
    static let batchColumns: StaticString = """
        id, project_id, status, input_file_id, endpoint, completion_window, model, metadata,
        output_expires_after_seconds, problems, output_file_id, error_file_id, total, completed, failed,
        input_tokens, cached_tokens, output_tokens, reasoning_tokens, total_tokens, created_at, expires_at,
        in_progress_at, finalizing_at, completed_at, failed_at, expired_at, cancelling_at, cancelled_at, paused_at,
        priority, lane, parent_batch_id, provenance_file_id, webhook_url, profile,
        input_url, output_url, errors_url, output_status, output_error, output_objects, name, queue
        """

    /// A batch from its row.
    static func batch(_ row: Row) throws -> Batch {
        let status: BatchStatus = try row.choice("status")
        var batch = Batch(
            id: try row.identifier("id"), project: try row.identifier("project_id"), status: status,
            inputFileID: try row["input_file_id", as: String.self], endpoint: try row["endpoint", as: String.self],
            completionWindow: try row["completion_window", as: String.self],
            model: try row["model", as: String?.self], metadata: try row["metadata", as: String?.self],
            outputExpiresAfterSeconds: try row["output_expires_after_seconds", as: Int64?.self],
            problems: try row["problems", as: String?.self],
            outputFileID: try row.optionalIdentifier("output_file_id"),
            errorFileID: try row.optionalIdentifier("error_file_id"),
            counts: RequestCounts(
                total: try row["total", as: Int64.self], completed: try row["completed", as: Int64.self],
                failed: try row["failed", as: Int64.self]),
            usage: try row.usage(), createdAt: try row.seconds("created_at"), expiresAt: try row.seconds("expires_at"),
            inProgressAt: try row.optionalSeconds("in_progress_at"),
            finalizingAt: try row.optionalSeconds("finalizing_at"),
            completedAt: try row.optionalSeconds("completed_at"), failedAt: try row.optionalSeconds("failed_at"),
            expiredAt: try row.optionalSeconds("expired_at"),
            cancellingAt: try row.optionalSeconds("cancelling_at"),
            cancelledAt: try row.optionalSeconds("cancelled_at"),
            // A batch that expires or is cancelled while it is paused is not paused any more.
            pausedAt: status.mayStartCalls ? try row.optionalSeconds("paused_at") : nil,
            priority: try row["priority", as: Int16.self], lane: try row.lane("lane"),
            parent: try row.optionalIdentifier("parent_batch_id"),
            provenanceFileID: try row.optionalIdentifier("provenance_file_id"),
            webhookURL: try row["webhook_url", as: String?.self], profile: try row.choice("profile"))
        batch.remote = try row.remoteFiles()
        batch.name = try row["name", as: String?.self]
        batch.queue = try row["queue", as: String?.self]
        return batch
    }
}
