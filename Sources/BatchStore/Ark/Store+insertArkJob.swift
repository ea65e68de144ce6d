// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A job about to be recorded; its fields are checked by the caller.
package struct NewArkJob: Sendable {
    /// The batch that it is; id, name, queue and addresses are set when it is recorded.
    package var batch: NewBatch
    /// Ark's own project.
    package var projectName: String
    /// Who makes it.
    package var accessKeyID: String
    /// What its creator calls it.
    package var name: String
    /// More words, or nil.
    package var description: String?
    /// JSON text of an array of `{"Key", "Value"}`.
    package var tags: String
    /// The model as the request names it.
    package var model: ArkModel
    /// Where its lines are read from.
    package var input: StoredObject
    /// Below what its files are written; the key ends in a slash.
    package var outputFolder: StoredObject
    /// The request's `X-Sdk-Invocation-Id`, by which its repeats are recognised, or nil.
    package var invocationID: String?

    /// A job about to be recorded.
    package init(
        batch: NewBatch, projectName: String, accessKeyID: String, name: String, description: String? = nil,
        tags: String = "[]", model: ArkModel, input: StoredObject, outputFolder: StoredObject,
        invocationID: String? = nil
    ) {
        self.batch = batch
        self.projectName = projectName
        self.accessKeyID = accessKeyID
        self.name = name
        self.description = description
        self.tags = tags
        self.model = model
        self.input = input
        self.outputFolder = outputFolder
        self.invocationID = invocationID
    }
}

/// Why a job is not made, changed or removed.
package enum ArkRefusal: Error, Hashable, Sendable {
    /// The same user has this file under way in the same project already, as this job.
    case isRunning(BatchID)
    /// As many jobs were made as may be.
    case tooMany(count: Int64, max: Int, seconds: Int64)
    /// The invocation's id came before, with another request.
    case invocationReused
    /// There is no such job for this tenant.
    case notFound
    /// The job has not ended.
    case notEnded(ArkPhase)
}

extension Store {
    /// The action under which requests to create a job are remembered.
    private static let createAction = "CreateBatchInferenceJob"
    /// Outdated invocations that one new one removes.
    private static let forgottenPerCreate = 20
    /// Ids tried before chance is no explanation any more.
    private static let idTriesMax = 4

    /// Records a job, or finds the one that an earlier attempt of the same call made; nil for a dry run, which makes
    /// all checks and nothing else.
    ///
    /// Who creates in one project waits for the commit of the one before, so that the limits hold however many come at
    /// once. (contracts: Ark create request, SDK retries)
    /// - Throws: ``ArkRefusal``.
    package func insertArkJob(_ new: NewArkJob, limits: ArkLimits, isDryRun: Bool) async throws -> BatchID? {
        var tries = 1
        while true {
            do {
                return try await pool.transaction { session in
                    try Self.insertArkJob(new, limits, isDryRun: isDryRun, session)
                }
            } catch let error as PostgresError where error.isUniqueViolation && tries < Self.idTriesMax {
                // Two jobs of one second drew the same id, or a job was resumed meanwhile: the next look sees it.
                tries += 1
            }
        }
    }

    /// The job that an earlier attempt of the same call made; nil when there was none.
    ///
    /// - Throws: ``ArkRefusal/invocationReused``.
    package func findArkJob(madeLike new: NewArkJob, limits: ArkLimits) async throws -> BatchID? {
        guard let invocation = new.invocationID else { return nil }
        return try await pool.run(retryingConnectionLoss: true) { session in
            try Self.made(by: invocation, new, limits, session)
        }
    }

    private static func insertArkJob(
        _ new: NewArkJob, _ limits: ArkLimits, isDryRun: Bool, _ session: Session
    ) throws -> BatchID? {
        if let invocation = new.invocationID {
            try lockInvocation(invocation, new, limits, session)
            if let made = try made(by: invocation, new, limits, session) { return made }
        }
        let project = new.batch.project.rawValue
        try session.query(
            "select pg_advisory_xact_lock(hashtextextended(\(project + "/" + new.projectName), 5))")
        try checkArkLimits(new, limits, session)
        if isDryRun { return nil }
        let now = try session.query("select extract(epoch from clock_timestamp())::int8 as now").onlyRow("now")
        var generator = SystemRandomNumberGenerator()
        let id = BatchID.ark(madeAt: try now["now", as: Int64.self], using: &generator)
        let files = ArkFiles(folder: new.outputFolder, job: id)
        var batch = new.batch
        batch.profile = .ark
        batch.id = id
        batch.name = new.name
        batch.queue = new.projectName
        batch.inputURL = new.input.description
        batch.outputURL = files.resultsAddress
        batch.errorsURL = files.errorsAddress
        _ = try insertBatch(batch, session)
        try insertArkRow(new, id, session)
        if let invocation = new.invocationID { try remember(invocation, new, id, session) }
        return id
    }

    private static func insertArkRow(_ new: NewArkJob, _ id: BatchID, _ session: Session) throws {
        var model: (name: String?, version: String?, custom: String?) = (nil, nil, nil)
        switch new.model {
        case .foundation(let name, let version): (model.name, model.version) = (name, version)
        case .custom(let id): model.custom = id
        }
        try session.execute(
            """
            insert into ark_jobs (batch_id, project_id, project_name, access_key_id, name, description, tags,
                model_name, model_version, custom_model_id, input_bucket, input_key, output_bucket, output_folder,
                phase_at, created_at, updated_at)
            select id, project_id, \(new.projectName), \(new.accessKeyID), \(new.name), \(new.description),
                \(new.tags)::jsonb, \(model.name), \(model.version), \(model.custom), \(new.input.bucket),
                \(new.input.key), \(new.outputFolder.bucket), \(new.outputFolder.key), created_at, created_at,
                created_at
            from batches where id = \(id.rawValue)
            """)
    }

    private static func checkArkLimits(_ new: NewArkJob, _ limits: ArkLimits, _ session: Session) throws {
        let project = new.batch.project.rawValue
        let same = try session.query(
            """
            select batch_id from ark_jobs
            where project_id = \(project) and access_key_id = \(new.accessKeyID)
              and project_name = \(new.projectName) and input_bucket = \(new.input.bucket)
              and input_key = \(new.input.key) and phase in ('Queued', 'Initializing', 'Running', 'Terminating')
            """)
        if let row = same.first { throw ArkRefusal.isRunning(try row.identifier("batch_id")) }
        guard limits.jobsMax > 0 else { return }
        let made = try session.query(
            """
            select count(*)::int8 as count from ark_jobs
            where project_id = \(project) and project_name = \(new.projectName)
              and created_at > clock_timestamp() - \(Duration.seconds(limits.jobsSeconds))
            """
        ).onlyRow("ark_jobs")["count", as: Int64.self]
        guard made < Int64(limits.jobsMax) else {
            throw ArkRefusal.tooMany(count: made, max: limits.jobsMax, seconds: limits.jobsSeconds)
        }
    }

    /// Makes attempts of one call that are under way at once wait for each other, and forgets old calls.
    private static func lockInvocation(
        _ id: String, _ new: NewArkJob, _ limits: ArkLimits, _ session: Session
    ) throws {
        try session.query(
            "select pg_advisory_xact_lock(hashtextextended(\(new.accessKeyID + "/" + id), 6))")
        try session.execute(
            """
            delete from ark_invocations where ctid = any (array(
                select ctid from ark_invocations
                where created_at < clock_timestamp() - \(Duration.seconds(limits.invocationSeconds))
                order by created_at limit \(forgottenPerCreate) for update skip locked))
            """)
    }

    private static func made(
        by invocation: String, _ new: NewArkJob, _ limits: ArkLimits, _ session: Session
    ) throws -> BatchID? {
        let rows = try session.query(
            """
            select batch_id, request_sha256 = \(new.batch.requestSHA256) as is_same from ark_invocations
            where access_key_id = \(new.accessKeyID) and action = \(createAction)
              and invocation_id = \(invocation)
              and created_at >= clock_timestamp() - \(Duration.seconds(limits.invocationSeconds))
            """)
        guard let row = rows.first else { return nil }
        guard try row["is_same", as: Bool.self] else { throw ArkRefusal.invocationReused }
        return try row.identifier("batch_id")
    }

    private static func remember(
        _ invocation: String, _ new: NewArkJob, _ job: BatchID, _ session: Session
    ) throws {
        try session.execute(
            """
            insert into ark_invocations (access_key_id, action, invocation_id, request_sha256, batch_id)
            values (\(new.accessKeyID), \(createAction), \(invocation), \(new.batch.requestSHA256), \(job.rawValue))
            on conflict (access_key_id, action, invocation_id) do update
                set request_sha256 = excluded.request_sha256, batch_id = excluded.batch_id,
                    created_at = excluded.created_at
            """)
    }
}
