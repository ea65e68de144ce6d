// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Lets an Ark job go on that ended before it was complete and delivered, from its queue on and with a new window.
    ///
    /// Lines that have a result, a failure too, are not called again; its files are written anew with all lines. A job
    /// whose lines never ran (stopped or expired before, or refused by validation) is fetched and validated again from
    /// the start. Asking again changes nothing while the resumed job waits or runs. (contracts: Ark phases, Resume)
    /// - Throws: a 404, also for other profiles and deleted jobs, or a 409 ``BatchCore/BatchError`` that says why the
    ///   job cannot be resumed and what to do instead.
    package func reopenBatch(_ id: BatchID, project: ProjectID) async throws -> Batch {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                select status, resumes, completion_window, input_url, in_progress_at is not null as has_run,
                    swept_at is null and coalesce(resumable_until > clock_timestamp(), false) as is_kept,
                    output_status is not distinct from 'failed' as is_undelivered
                from batches
                where id = \(id.rawValue) and project_id = \(project.rawValue) and profile = 'ark' for update
                """)
            // With the lock: who deletes a job takes it first, too.
            let isDeleted = try !session.query(
                "select 1 from ark_jobs where batch_id = \(id.rawValue) and deleted_at is not null"
            ).isEmpty
            guard let row = rows.first, !isDeleted else { throw BatchError.notFound("No job found with id '\(id)'.") }
            let status: BatchStatus = try row.choice("status")
            let isResumed = try row["resumes", as: Int32.self] > 0
            let isUndelivered = try row["is_undelivered", as: Bool.self]
            switch BatchLifecycle.transition(from: status, on: .resume) {
            case .move where status != .completed || isUndelivered:
                try requireKept(id, row)
                try Self.goBack(id, row, session)
            case .move:
                throw Self.notResumable(id, status)
            case .stay, .refuse:
                guard isResumed, status.mayStartCalls else { throw Self.notResumable(id, status) }
            }
            let jobs = try session.query(
                """
                select \(unescaped: Self.liveBatchColumns) from batches b \(unescaped: Self.liveCounts)
                where b.id = \(id.rawValue) and b.project_id = \(project.rawValue)
                """)
            return try Self.batch(jobs.onlyRow("batches"))
        }
    }

    private func requireKept(_ id: BatchID, _ row: Row) throws {
        guard try row["has_run", as: Bool.self], try !row["is_kept", as: Bool.self] else { return }
        throw BatchError.conflict(
            "The job '\(id)' cannot be resumed any more: its lines and results were kept for a limited time after its "
                + "end. Create a new job of those lines of its input whose custom_id is not in its results.")
    }

    private static func notResumable(_ id: BatchID, _ status: BatchStatus) -> BatchError {
        switch status {
        case .completed:
            .conflict("The job '\(id)' is complete: there is nothing to resume.")
        case .cancelling, .finalizing:
            .conflict("The job '\(id)' is about to end (\(status.rawValue)). Wait until it has, then resume it.")
        default:
            .conflict("The job '\(id)' is under way (\(status.rawValue)): there is nothing to resume.")
        }
    }

    /// Puts the row back into the queue; what its last end left is remembered by its event, or removed.
    private static func goBack(_ id: BatchID, _ row: Row, _ session: Session) throws {
        let windowText = try row["completion_window", as: String.self]
        guard let window = CompletionWindow(windowText, range: 1...Int64.max) else {
            throw RowMismatch(description: "job \(id) has the window '\(windowText)'")
        }
        let isFetchedAgain = try !row["has_run", as: Bool.self] && row["input_url", as: String?.self] != nil
        try session.execute(
            """
            update events e set batch_then = to_jsonb(b) from batches b
            where b.id = \(id.rawValue) and e.batch_id = b.id and e.run = b.resumes
            """)
        try session.execute(
            """
            update files f set deleted_at = clock_timestamp() from batches b
            where b.id = \(id.rawValue) and f.project_id = b.project_id and f.deleted_at is null
              and (f.id in (b.output_file_id, b.error_file_id, b.provenance_file_id)
                or \(isFetchedAgain) and f.id = b.input_file_id)
            """)
        try session.execute(
            """
            update batches set status = 'validating', resumes = resumes + 1, admitted_at = null,
                expires_at = clock_timestamp() + \(Duration.seconds(window.seconds)),
                had_errors = had_errors or error_file_id is not null, resumable_until = null, swept_at = null,
                queued_at = clock_timestamp(), completed_at = null, ending = null, problems = null,
                output_file_id = null, error_file_id = null,
                provenance_file_id = null, output_status = null, output_error = null, output_objects = null,
                held_at = null, finalizing_at = null, failed_at = null, expired_at = null, cancelling_at = null,
                cancelled_at = null, paused_at = null, urgent = false, forecast_lines = null, forecast_at = null,
                forecast_rate = null, owner = null, owner_until = null, owner_epoch = owner_epoch + 1,
                duty_attempts = 0,
                input_file_id = case when \(isFetchedAgain) then \(Profile.ark.fileID(.upload).rawValue)
                    else input_file_id end,
                input_fetched_at = case when not \(isFetchedAgain) then input_fetched_at end
            where id = \(id.rawValue)
            """)
        try session.query("select pg_notify(\(Signals.batches), \(id.rawValue))")
    }
}
