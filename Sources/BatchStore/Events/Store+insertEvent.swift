// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Writes the event into the outbox, in the commit that changed the status.
    static func insertEvent(_ id: EventID, batch: BatchID, type: String, _ session: Session) throws {
        try session.execute(
            """
            insert into events (id, project_id, type, batch_id, run)
            select \(id.rawValue), project_id, \(type), id, resumes from batches where id = \(batch.rawValue)
            """)
        try session.query("select pg_notify(\(Signals.events), '')")
    }
}
