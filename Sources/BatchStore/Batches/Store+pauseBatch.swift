// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Stops the starting of calls of a batch until ``resumeBatch(_:project:)``; calls that are under way may end.
    ///
    /// Status and window stay as they are; a batch that is still being validated is paused once it could run. Asking
    /// again changes nothing.
    /// - Throws: a 404 or, for a batch that starts no calls any more, a 409 ``BatchCore/BatchError``.
    package func pauseBatch(_ id: BatchID, project: ProjectID) async throws -> Batch {
        try await pool.transaction { session in
            let batch = try Self.lockPausable(id, project: project, verb: "pause", session)
            guard batch.pausedAt == nil else { return batch }
            let moved = try session.execute(
                """
                update batches set paused_at = clock_timestamp()
                where id = \(id.rawValue) and status = \(batch.status.rawValue) and paused_at is null
                """)
            return try Self.changed(id, project: project, moved, signals: [Signals.batches], session)
        }
    }

    /// Lets the calls of a paused batch start again. Asking again changes nothing.
    ///
    /// - Throws: a 404 or, for a batch that starts no calls any more, a 409 ``BatchCore/BatchError``.
    package func resumeBatch(_ id: BatchID, project: ProjectID) async throws -> Batch {
        try await pool.transaction { session in
            let batch = try Self.lockPausable(id, project: project, verb: "resume", session)
            guard batch.pausedAt != nil else { return batch }
            let moved = try session.execute(
                """
                update batches set paused_at = null, forecast_at = null, forecast_rate = null
                where id = \(id.rawValue) and status = \(batch.status.rawValue) and paused_at is not null
                """)
            // Workers hear of shards, not of batches, when they have nothing to do.
            return try Self.changed(
                id, project: project, moved, signals: [Signals.batches, Signals.shards], session)
        }
    }

    /// The batch with its row locked; `verb` is what the user asked for.
    private static func lockPausable(
        _ id: BatchID, project: ProjectID, verb: String, _ session: Session
    ) throws -> Batch {
        let rows = try session.query(
            """
            select 1 from batches
            where id = \(id.rawValue) and project_id = \(project.rawValue) and profile <> 'ark' and lane <> 0
            for update
            """)
        guard !rows.isEmpty, let batch = try findBatch(id, project: project, session) else {
            throw BatchError.notFound("No batch found with id '\(id)'.")
        }
        guard batch.status.mayStartCalls else {
            throw BatchError.conflict("Cannot \(verb) a batch with status '\(batch.status.rawValue)'.")
        }
        return batch
    }

    private static func changed(
        _ id: BatchID, project: ProjectID, _ moved: Int, signals: [String], _ session: Session
    ) throws -> Batch {
        for signal in signals { try session.query("select pg_notify(\(signal), \(id.rawValue))") }
        guard moved == 1, let batch = try findBatch(id, project: project, session) else {
            throw RowMismatch(description: "batch \(id) changed while it was locked")
        }
        return batch
    }
}
