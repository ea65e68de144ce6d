// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The input file of a batch. A file deleted after the batch was made still counts: the batch keeps its reference.
    package func findInput(of duty: ValidationDuty) async throws -> StoredFile? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select \(unescaped: Self.fileColumns) from files f
                where id = \(duty.inputFileID) and project_id = \(duty.project.rawValue) and pruned_at is null
                  and (deleted_at is null or deleted_at > (
                      select created_at from batches where id = \(duty.lease.batch.rawValue)))
                """
            ).first.map(Self.storedFile)
        }
    }
}
