// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Asks a batch to stop: it becomes `cancelling`, and workers hear of it at once.
    ///
    /// Asking again changes nothing. (contracts: OpenAI batch state machine)
    /// - Parameter inArk: whether it must be a job of Ark's control plane; else such a one is not found.
    /// - Throws: a 404 or, for a batch that ended otherwise, a 409 ``BatchCore/BatchError``.
    package func cancelBatch(_ id: BatchID, project: ProjectID, inArk: Bool = false) async throws -> Batch {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                select status, held_at is not null as is_held from batches
                where id = \(id.rawValue) and project_id = \(project.rawValue)
                  and lane <> 0 and (profile = 'ark') = \(inArk) for update
                """)
            guard let row = rows.first else { throw BatchError.notFound("No batch found with id '\(id)'.") }
            let status: BatchStatus = try row.choice("status")
            let isHeld = try row["is_held", as: Bool.self]
            switch BatchLifecycle.transition(from: status, on: .cancel) {
            case .refuse:
                throw BatchError.conflict("Cannot cancel a batch with status '\(status.rawValue)'.")
            case .stay:
                break
            case .move where isHeld && inArk:
                throw BatchError.conflict(
                    "The lines of the job '\(id)' are done and its files are being written: it ends by itself, and "
                        + "cannot be stopped any more.")
            case .move where isHeld:
                // All lines are done and the files are sealed: they are on their way out, and it ends as it would.
                break
            case .move(let next):
                try session.execute(
                    """
                    update batches set status = \(next.rawValue), ending = 'cancelled',
                        cancelling_at = clock_timestamp(), paused_at = null, owner = null, owner_until = null,
                        owner_epoch = owner_epoch + 1, duty_attempts = 0
                    where id = \(id.rawValue) and status = \(status.rawValue)
                    """)
                try session.query("select pg_notify(\(Signals.batches), \(id.rawValue))")
            }
            guard let batch = try Self.findBatch(id, project: project, inArk: inArk, session) else {
                throw RowMismatch(description: "batch \(id) vanished while it was locked")
            }
            return batch
        }
    }
}
