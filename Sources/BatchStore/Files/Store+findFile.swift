// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// The file of that id; nil when it is unknown, deleted, expired, or belongs to another project.
    package func findFile(_ id: FileID, project: ProjectID) async throws -> StoredFile? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select \(unescaped: Self.fileColumns) from files
                where id = \(id.rawValue) and project_id = \(project.rawValue) and deleted_at is null
                  and (expires_at is null or expires_at > clock_timestamp())
                """
            ).first.map(Self.storedFile)
        }
    }
}
