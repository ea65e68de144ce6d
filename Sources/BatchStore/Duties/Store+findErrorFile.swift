// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The error file of the batch whose failed lines are run again. A file deleted after this batch was made still
    /// counts until its bytes are gone.
    package func findErrorFile(of parent: BatchID, for duty: ValidationDuty) async throws -> StoredFile? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select \(unescaped: Self.fileColumns) from files f
                where id = (
                    select error_file_id from batches
                    where id = \(parent.rawValue) and project_id = \(duty.project.rawValue))
                  and project_id = \(duty.project.rawValue) and pruned_at is null
                  and (deleted_at is null or deleted_at > (
                      select created_at from batches where id = \(duty.lease.batch.rawValue)))
                """
            ).first.map(Self.storedFile)
        }
    }
}
