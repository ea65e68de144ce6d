// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The job of that id with live counts; nil when it is unknown, deleted, or belongs to another tenant.
    package func findArkBatch(_ id: BatchID, project: ProjectID) async throws -> ArkBatch? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select \(unescaped: ArkBatch.columns), \(unescaped: Self.liveBatchColumns)
                from ark_jobs j join batches b on b.id = j.batch_id \(unescaped: Self.liveCounts)
                where j.batch_id = \(id.rawValue) and j.project_id = \(project.rawValue) and j.deleted_at is null
                """
            ).first.map(ArkBatch.init)
        }
    }

    /// Gives a job another name or description; what is nil stays.
    ///
    /// - Throws: ``ArkRefusal/notFound``.
    package func updateArkBatch(
        _ id: BatchID, project: ProjectID, name: String?, description: String?
    ) async throws {
        try await pool.transaction { session in
            // The batch's row comes first, as in every commit that also touches the job's.
            _ = try Self.lockArkBatch(id, project, session)
            try session.execute(
                "update batches set name = coalesce(\(name), name) where id = \(id.rawValue)")
            try session.execute(
                """
                update ark_jobs set name = coalesce(\(name), name), updated_at = clock_timestamp(),
                    description = coalesce(\(description), description)
                where batch_id = \(id.rawValue)
                """)
        }
    }

    /// Hides a job that has ended, and its files here, from everybody. Files that were delivered stay where they are.
    ///
    /// - Throws: ``ArkRefusal``.
    package func deleteArkBatch(_ id: BatchID, project: ProjectID) async throws {
        try await pool.transaction { session in
            let phase = try Self.lockArkBatch(id, project, session)
            guard phase.hasEnded else { throw ArkRefusal.notEnded(phase) }
            try session.execute(
                """
                update ark_jobs set deleted_at = clock_timestamp(), updated_at = clock_timestamp()
                where batch_id = \(id.rawValue)
                """)
            try session.execute(
                """
                update files f set deleted_at = clock_timestamp()
                from batches b
                where b.id = \(id.rawValue) and f.project_id = b.project_id and f.deleted_at is null
                  and f.id in (b.input_file_id, b.output_file_id, b.error_file_id, b.provenance_file_id)
                """)
            try session.query("select pg_notify(\(Signals.batches), \(id.rawValue))")
        }
    }

    private static func lockArkBatch(
        _ id: BatchID, _ project: ProjectID, _ session: Session
    ) throws -> ArkPhase {
        let rows = try session.query(
            """
            select 1 from batches
            where id = \(id.rawValue) and project_id = \(project.rawValue) and profile = 'ark' for update
            """)
        guard !rows.isEmpty else { throw ArkRefusal.notFound }
        let jobs = try session.query(
            "select phase from ark_jobs where batch_id = \(id.rawValue) and deleted_at is null for update")
        guard let job = jobs.first else { throw ArkRefusal.notFound }
        return try job.choice("phase")
    }
}
