// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Gives leases back: the shards are ready at once, with what is done of them. Returns how many were still held.
    ///
    /// The claim is not counted as an attempt that failed: the worker left in good order.
    package func releaseShards(worker: WorkerID, _ leases: [Lease]) async throws -> Int {
        guard !leases.isEmpty else { return 0 }
        return try await pool.run { session in
            let rows = try session.query(
                """
                with held as (\(Self.held(leases, by: worker)))
                update shards s set state = 'ready', worker_id = null, lease_until = null,
                    attempts = greatest(s.attempts - 1, 0)
                from held where s.batch_id = held.batch_id and s.shard_no = held.shard_no and s.part = held.part
                returning s.batch_id
                """)
            try session.query("select pg_notify(\(Signals.shards), '')")
            for batch in Set(leases.map(\.shard.batch)) {
                try session.query("select pg_notify(\(Signals.batches), \(batch.rawValue))")
            }
            return rows.count
        }
    }
}
