// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Which batches of a project are listed; every condition that is given must hold.
package struct BatchFilter: Hashable, Sendable {
    /// A part of the name (`ds_name`), every character as it stands.
    package var namePart: String?
    /// Input files, as the batches' creators named them; empty for any.
    package var inputFileIDs: [String] = []
    /// Statuses; empty for any.
    package var statuses: [BatchStatus] = []
    /// The first second in which they may have been created, in Unix seconds.
    package var createdFrom: Int64?
    /// The last such second.
    package var createdTo: Int64?
    /// How long ago they may have been created, by the database's clock.
    package var ageMax: Duration?

    /// No condition at all.
    package init() {}
}

extension Store {
    /// How far two rows that were made at the same time may be apart in time and still have their numbers the other way
    /// round: the clock is read before the row is there for others.
    private static let disorder = Duration.seconds(300)

    /// One page of a project's batches, newest first, with live counts; jobs of Ark's control plane have a list of
    /// their own. (contracts: OpenAI pagination)
    ///
    /// What it costs grows with the batches of the time asked for, not with older ones: the moments are turned into
    /// numbers of rows first.
    /// - Parameter limit: 1…100, checked by the caller.
    package func listBatches(
        project: ProjectID, after: BatchID?, limit: Int, filter: BatchFilter = BatchFilter()
    ) async throws -> ListPage<Batch> {
        let batches = try await pool.run(retryingConnectionLoss: true) { session in
            let cursor = try after.map { try Self.batchSequence($0, project, session) } ?? .max
            guard filter != BatchFilter() else { return try Self.page(project, below: cursor, limit + 1, session) }
            return try Self.page(project, below: cursor, limit + 1, filter, session)
        }
        return ListPage(elements: Array(batches.prefix(limit)), hasMore: batches.count > limit)
    }

    private static func page(
        _ project: ProjectID, below cursor: Int64, _ count: Int, _ session: Session
    ) throws -> [Batch] {
        try session.query(
            """
            select \(unescaped: liveBatchColumns) from batches b \(unescaped: liveCounts)
            where b.project_id = \(project.rawValue) and b.profile <> 'ark' and b.lane <> 0
              and b.seq < \(cursor)
            order by b.seq desc limit \(count)
            """
        ).map(batch)
    }

    private static func page(
        _ project: ProjectID, below cursor: Int64, _ count: Int, _ filter: BatchFilter, _ session: Session
    ) throws -> [Batch] {
        let range = try sequences(project, filter, session)
        // A list without entries is an absent condition.
        let files = filter.inputFileIDs.isEmpty ? nil : filter.inputFileIDs
        let statuses = filter.statuses.isEmpty ? nil : filter.statuses.map(\.rawValue)
        return try session.query(
            """
            select \(unescaped: liveBatchColumns) from batches b \(unescaped: liveCounts)
            where b.project_id = \(project.rawValue) and b.profile <> 'ark' and b.lane <> 0
              and b.seq < \(cursor)
              and b.seq > \(range.after) and b.seq < \(range.before)
              and b.created_at >= clock_timestamp() - \(filter.ageMax ?? .seconds(100 * 365 * 86_400))
              and b.created_at >= to_timestamp(\(filter.createdFrom ?? 0))
              and b.created_at < to_timestamp(\((filter.createdTo ?? momentMax) + 1))
              and (\(filter.namePart)::text is null or position(\(filter.namePart)::text in b.name) > 0)
              and (\(files)::text[] is null or b.input_file_id = any(\(files)::text[])
                or b.input_url = any(\(files)::text[]))
              and (\(statuses)::text[] is null or b.status = any(\(statuses)::text[]))
            order by b.seq desc limit \(count)
            """
        ).map(batch)
    }

    /// The year 9999: later than any batch.
    private static let momentMax: Int64 = 253_402_300_799

    /// The numbers between which those of the batches of the time asked for lie; a few others may be there too.
    private static func sequences(
        _ project: ProjectID, _ filter: BatchFilter, _ session: Session
    ) throws -> (after: Int64, before: Int64) {
        let row = try session.query(
            """
            with asked as materialized (
                select greatest(
                        clock_timestamp() - \(filter.ageMax ?? .seconds(100 * 365 * 86_400)),
                        to_timestamp(\(filter.createdFrom ?? 0))) - \(disorder) as since,
                    to_timestamp(\((filter.createdTo ?? momentMax) + 1)) + \(disorder) as until
            )
            select (select b.seq from batches b where b.project_id = \(project.rawValue)
                    and b.created_at < (select since from asked) order by b.created_at desc limit 1) as after,
                (select b.seq from batches b where b.project_id = \(project.rawValue)
                    and b.created_at > (select until from asked) order by b.created_at limit 1) as before
            """
        ).onlyRow("batches")
        return (try row["after", as: Int64?.self] ?? .min, try row["before", as: Int64?.self] ?? .max)
    }

    private static func batchSequence(_ id: BatchID, _ project: ProjectID, _ session: Session) throws -> Int64 {
        let rows = try session.query(
            """
            select seq from batches
            where id = \(id.rawValue) and project_id = \(project.rawValue) and profile <> 'ark' and lane <> 0
            """)
        guard let row = rows.first else {
            throw BatchError.invalid("No batch with id '\(id)' to list after.", param: "after")
        }
        return try row["seq", as: Int64.self]
    }
}
