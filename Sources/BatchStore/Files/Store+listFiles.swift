// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// One page of a project's files by age. A deleted file is still a good cursor. (contracts: OpenAI pagination)
    ///
    /// - Parameter limit: 1…10,000, checked by the caller.
    package func listFiles(
        project: ProjectID, after: FileID?, limit: Int, ascending: Bool, purpose: FilePurpose?
    ) async throws -> ListPage<StoredFile> {
        let files = try await pool.run(retryingConnectionLoss: true) { session in
            let cursor = try after.map { try Self.fileSequence($0, project, session) }
            return try ascending
                ? session.query(
                    """
                    select \(unescaped: Self.fileColumns) from files
                    where project_id = \(project.rawValue) and deleted_at is null
                      and (expires_at is null or expires_at > clock_timestamp())
                      and (\(purpose?.rawValue)::text is null or purpose = \(purpose?.rawValue))
                      and seq > \(cursor ?? .min)
                    order by seq limit \(limit + 1)
                    """
                ).map(Self.storedFile)
                : session.query(
                    """
                    select \(unescaped: Self.fileColumns) from files
                    where project_id = \(project.rawValue) and deleted_at is null
                      and (expires_at is null or expires_at > clock_timestamp())
                      and (\(purpose?.rawValue)::text is null or purpose = \(purpose?.rawValue))
                      and seq < \(cursor ?? .max)
                    order by seq desc limit \(limit + 1)
                    """
                ).map(Self.storedFile)
        }
        return ListPage(elements: Array(files.prefix(limit)), hasMore: files.count > limit)
    }

    private static func fileSequence(_ id: FileID, _ project: ProjectID, _ session: Session) throws -> Int64 {
        let rows = try session.query(
            "select seq from files where id = \(id.rawValue) and project_id = \(project.rawValue)")
        guard let row = rows.first else {
            throw BatchError.invalid("No file with id '\(id)' to list after.", param: "after")
        }
        return try row["seq", as: Int64.self]
    }
}
