// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A lease that still holds, and how its batch stands.
package struct LeaseRenewal: Hashable, Sendable {
    /// The lease.
    package var lease: Lease
    /// Anything but `in_progress` means: start no more calls.
    package var batchStatus: BatchStatus
    /// Seconds until the batch's window passes, by the database's clock; negative afterwards.
    package var secondsLeft: Double
}

extension Store {
    /// Extends leases and returns those that still hold; one that is missing in the answer is lost.
    package func renewLeases(
        worker: WorkerID, _ leases: [Lease], lease: Duration
    ) async throws -> [LeaseRenewal] {
        guard !leases.isEmpty else { return [] }
        return try await pool.run { session in
            try session.query(
                """
                update shards s set lease_until = clock_timestamp() + \(lease)
                from unnest(\(leases.map(\.shard.batch.rawValue)), \(leases.map(\.shard.number)),
                        \(leases.map(\.epoch))) as held (batch_id, shard_no, epoch),
                    batches b
                where s.batch_id = held.batch_id and s.shard_no = held.shard_no and s.epoch = held.epoch
                  and s.state = 'claimed' and s.worker_id = \(worker.rawValue) and b.id = s.batch_id
                returning s.batch_id, s.shard_no, s.epoch, b.status,
                    extract(epoch from b.expires_at - clock_timestamp())::float8 as seconds_left
                """
            ).map { row in
                let key = ShardKey(batch: try row.identifier("batch_id"), number: try row["shard_no", as: Int32.self])
                return LeaseRenewal(
                    lease: Lease(shard: key, epoch: try row["epoch", as: Int32.self]),
                    batchStatus: try row.choice("status"), secondsLeft: try row["seconds_left", as: Double.self])
            }
        }
    }
}
