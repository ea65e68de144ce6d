// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Tells other workers that this one is idle, if anybody else holds shards; returns whether somebody does.
    ///
    /// Whoever holds more lines than it has under way may split a shard; the new part wakes the idle worker.
    package func announceHunger(worker: WorkerID) async throws -> Bool {
        try await pool.run { session in
            try !session.query(
                """
                select pg_notify(\(Signals.hungry), \(worker.rawValue)) from (
                    select 1 from shards where state = 'claimed' and worker_id <> \(worker.rawValue) limit 1
                ) s
                """
            ).isEmpty
        }
    }
}
