// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Which of a batch's result files.
package enum ResultKind: String, CaseIterable, Hashable, Sendable {
    /// Lines that succeeded.
    case output
    /// Lines that did not.
    case error
    /// How each line was run; never delivered elsewhere.
    case provenance
}

/// A batch whose sealed files are to be delivered elsewhere before it ends.
package struct HeldDuty: Sendable {
    /// The right to do it, and what ``Store/publishBatch(_:_:)`` wants to know.
    package var finalization: FinalizationDuty
    /// What the operator calls the tenant: rules of the configuration name projects so.
    package var projectName: String
    /// Where the files go.
    package var output: RemoteOutput
    /// The sealed files and final counts.
    package var publication: Publication
    /// Which files were delivered by an earlier attempt, and where they are.
    package var delivered: [ResultKind: String]
    /// How long the files have waited.
    package var age: Duration
}

extension Store {
    /// Keeps a batch's sealed files for delivery elsewhere: they are referred to, and nobody sees them before the batch
    /// ends. False when the duty is lost or a cancel came in; then nothing was written. A cancel that comes later
    /// changes nothing any more.
    package func holdResults(_ duty: FinalizationDuty, _ publication: Publication) async throws -> Bool {
        try await pool.transaction { session in
            let moved = try session.execute(
                """
                update batches set held_at = clock_timestamp(), ending = \(duty.ending.rawValue),
                    completed = \(publication.counts.completed), failed = \(publication.counts.failed),
                    input_tokens = \(publication.usage.inputTokens), cached_tokens = \(publication.usage.cachedTokens),
                    output_tokens = \(publication.usage.outputTokens),
                    reasoning_tokens = \(publication.usage.reasoningTokens),
                    total_tokens = \(publication.usage.totalTokens), owner = null, owner_until = null,
                    duty_attempts = 0
                where id = \(duty.lease.batch.rawValue) and owner_epoch = \(duty.lease.epoch)
                  and status = \(duty.status.rawValue) and held_at is null
                """)
            guard moved == 1 else { return false }
            for (kind, file) in [
                (ResultKind.output, publication.output), (.error, publication.error),
                (.provenance, publication.provenance),
            ] {
                guard let file else { continue }
                try session.execute(
                    """
                    insert into held_files (batch_id, kind, id, filename, bytes, sha256, vault_key,
                        expires_after_seconds)
                    values (\(duty.lease.batch.rawValue), \(kind.rawValue), \(file.id.rawValue), \(file.filename),
                        \(file.bytes), \(file.sha256), \(file.vaultKey), \(file.expiresAfterSeconds))
                    """)
            }
            try session.query("select pg_notify(\(Signals.batches), \(duty.lease.batch.rawValue))")
            return true
        }
    }

    /// Takes a held batch whose duty nobody holds; nil when there is none.
    ///
    /// - Parameter perProjectMax: as of ``claimFetch(owner:lease:perProjectMax:)``.
    package func claimHeld(owner: CoordinatorID, lease: Duration, perProjectMax: Int) async throws -> HeldDuty? {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                with busy as materialized (
                    select project_id from batches
                    where held_at is not null and status in ('finalizing', 'cancelling')
                      and owner is not null and owner_until > clock_timestamp()
                    group by project_id having count(*) >= \(perProjectMax)
                )
                update batches b set owner = \(owner.rawValue), owner_epoch = owner_epoch + 1,
                    owner_until = clock_timestamp() + \(lease), duty_attempts = duty_attempts + 1
                from projects p
                where p.id = b.project_id and b.id = (
                    select id from batches
                    where held_at is not null and status in ('finalizing', 'cancelling')
                      and (owner_until is null or owner_until < clock_timestamp())
                      and project_id not in (select project_id from busy)
                    order by duty_attempts, seq limit 1 for update skip locked
                )
                returning b.id, b.project_id, b.owner_epoch, b.duty_attempts, b.status, b.ending, b.total, b.completed,
                    b.failed, b.input_tokens, b.cached_tokens, b.output_tokens, b.reasoning_tokens, b.total_tokens,
                    b.input_url, b.output_url, b.errors_url, b.output_status, b.output_error, b.output_objects,
                    b.resumes, b.profile, p.name as project_name,
                    extract(epoch from clock_timestamp() - b.held_at)::float8 as held_seconds
                """)
            return try rows.first.map { try Self.heldDuty($0, session) }
        }
    }

    /// Notes that a file was delivered, so that another attempt leaves it alone; false when the duty is lost.
    package func markDelivered(_ duty: DutyLease, _ kind: ResultKind, to address: String) async throws -> Bool {
        try await pool.run { session in
            try session.execute(
                """
                update held_files h set delivered_to = \(address) from batches b
                where h.batch_id = \(duty.batch.rawValue) and h.kind = \(kind.rawValue) and b.id = h.batch_id
                  and b.owner_epoch = \(duty.epoch) and b.status in ('finalizing', 'cancelling')
                """) == 1
        }
    }

    private static func heldDuty(_ row: Row, _ session: Session) throws -> HeldDuty {
        let batch: BatchID = try row.identifier("id")
        let project: ProjectID = try row.identifier("project_id")
        guard let output = try row.remoteFiles().output else {
            throw RowMismatch(description: "batch \(batch) is held and goes nowhere")
        }
        var files: [ResultKind: NewFile] = [:]
        var delivered: [ResultKind: String] = [:]
        let rows = try session.query(
            """
            select kind, id, filename, bytes, sha256, vault_key, expires_after_seconds, delivered_to
            from held_files where batch_id = \(batch.rawValue)
            """)
        for held in rows {
            let kind: ResultKind = try held.choice("kind")
            files[kind] = NewFile(
                id: try held.identifier("id"), project: project, purpose: .batchOutput,
                filename: try held["filename", as: String.self], bytes: try held["bytes", as: Int64.self],
                sha256: try held["sha256", as: [UInt8].self], vaultKey: try held["vault_key", as: String.self],
                expiresAfterSeconds: try held["expires_after_seconds", as: Int64?.self])
            delivered[kind] = try held["delivered_to", as: String?.self]
        }
        let total = try row["total", as: Int64.self]
        let attempts = try row["duty_attempts", as: Int32.self]
        return HeldDuty(
            finalization: FinalizationDuty(
                lease: DutyLease(batch: batch, epoch: try row["owner_epoch", as: Int32.self]), project: project,
                status: try row.choice("status"), ending: try row.choice("ending"),
                profile: try row.choice("profile"), total: total, shardCount: 0,
                attempts: attempts, isDelivered: true, resumes: try row["resumes", as: Int32.self]),
            projectName: try row["project_name", as: String.self], output: output,
            publication: Publication(
                output: files[.output], error: files[.error], provenance: files[.provenance],
                counts: RequestCounts(
                    total: total, completed: try row["completed", as: Int64.self],
                    failed: try row["failed", as: Int64.self]),
                usage: try row.usage(), event: .random()),
            delivered: delivered, age: .seconds(try row["held_seconds", as: Double.self]))
    }
}
