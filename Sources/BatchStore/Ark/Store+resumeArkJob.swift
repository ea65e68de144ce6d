// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Resumes a job (see ``resumeJob(_:project:)``), unless its user has another one of the same file under way by now.
    ///
    /// - Throws: ``ArkRefusal/isRunning(_:)``; a 404 or 409 ``BatchCore/BatchError``.
    package func resumeArkJob(_ id: BatchID, project: ProjectID) async throws {
        do {
            _ = try await resumeJob(id, project: project)
        } catch let error as PostgresError where error.isUniqueViolation {
            guard let other = try await jobInTheWay(of: id) else { throw error }
            throw ArkRefusal.isRunning(other)
        }
    }

    private func jobInTheWay(of id: BatchID) async throws -> BatchID? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select other.batch_id from ark_jobs j join ark_jobs other
                    on (other.project_id, other.access_key_id, other.project_name, other.input_bucket, other.input_key)
                        = (j.project_id, j.access_key_id, j.project_name, j.input_bucket, j.input_key)
                where j.batch_id = \(id.rawValue) and other.batch_id <> j.batch_id
                  and other.phase in ('Queued', 'Initializing', 'Running', 'Terminating')
                """
            ).first.map { try $0.identifier("batch_id") }
        }
    }
}
