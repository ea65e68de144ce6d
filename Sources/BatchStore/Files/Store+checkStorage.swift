// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Refuses an upload of `bytes` bytes that the project has no room for, before it is received. The last word is
    /// said when the file is recorded.
    ///
    /// - Throws: a 400 ``BatchCore/BatchError`` that says which limit is exceeded.
    package func checkStorage(_ project: ProjectID, bytes: Int64, _ limits: StorageLimits) async throws {
        guard limits != StorageLimits() else { return }
        try await pool.run(retryingConnectionLoss: true) { session in
            try Self.checkStorage(project, bytes: bytes, limits, session)
        }
    }

    /// The same inside the transaction that records the file, under the project's lock. Results and fetched inputs do
    /// not count: a batch must not fail for them. What it costs is bounded by the limit, not by what other profiles
    /// have stored.
    static func checkStorage(
        _ project: ProjectID, bytes: Int64, _ limits: StorageLimits, _ session: Session
    ) throws {
        let most = limits.files > 0 ? Int64(limits.files) : Int64.max
        let row = try session.query(
            """
            select count(*)::int8 as files, coalesce(sum(bytes), 0)::int8 as bytes from (
                select bytes from files
                where project_id = \(project.rawValue) and deleted_at is null and not is_fetched
                  and purpose not in ('batch_output', 'assistants_output', 'fine-tune-results')
                  and (expires_at is null or expires_at > clock_timestamp())
                limit \(most)
            ) f
            """
        ).onlyRow("files")
        let files = try row["files", as: Int64.self]
        let stored = try row["bytes", as: Int64.self]
        if limits.files > 0, files >= limits.files {
            throw BatchError.invalid(
                "File number limit exceeded: this project has \(files) uploaded files, and at most \(limits.files) are "
                    + "allowed. Delete files you no longer need (DELETE /files/{id}) and upload again.",
                code: "file_number_limit_exceeded", param: "file")
        }
        if limits.bytes > 0, stored + bytes > limits.bytes {
            throw BatchError.invalid(
                "File capacity limit exceeded: this project's uploaded files have \(stored) bytes, and with this one "
                    + "they would have more than the \(limits.bytes) that are allowed. Delete files you no longer need "
                    + "(DELETE /files/{id}) and upload again.",
                code: "file_capacity_limit_exceeded", param: "file")
        }
    }
}
