// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// One page of a project's batches, newest first, with live counts. (contracts: OpenAI pagination)
    ///
    /// - Parameter limit: 1…100, checked by the caller.
    package func listBatches(project: ProjectID, after: BatchID?, limit: Int) async throws -> ListPage<Batch> {
        let batches = try await pool.run(retryingConnectionLoss: true) { session in
            let cursor = try after.map { try Self.batchSequence($0, project, session) } ?? .max
            return try session.query(
                """
                select \(unescaped: Self.liveBatchColumns) from batches b \(unescaped: Self.liveCounts)
                where b.project_id = \(project.rawValue) and b.seq < \(cursor)
                order by b.seq desc limit \(limit + 1)
                """
            ).map(Self.batch)
        }
        return ListPage(elements: Array(batches.prefix(limit)), hasMore: batches.count > limit)
    }

    private static func batchSequence(_ id: BatchID, _ project: ProjectID, _ session: Session) throws -> Int64 {
        let rows = try session.query(
            "select seq from batches where id = \(id.rawValue) and project_id = \(project.rawValue)")
        guard let row = rows.first else {
            throw BatchError.invalid("No batch with id '\(id)' to list after.", param: "after")
        }
        return try row["seq", as: Int64.self]
    }
}
