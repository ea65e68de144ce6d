// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Hides a file; its bytes are pruned later, once no batch reads them. False when there is none to delete.
    package func deleteFile(_ id: FileID, project: ProjectID) async throws -> Bool {
        try await pool.run { session in
            try session.execute(
                """
                update files set deleted_at = clock_timestamp()
                where id = \(id.rawValue) and project_id = \(project.rawValue) and deleted_at is null
                  and (expires_at is null or expires_at > clock_timestamp())
                """) == 1
        }
    }
}
