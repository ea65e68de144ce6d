// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A lease that still holds, and how its batch stands.
package struct LeaseRenewal: Hashable, Sendable {
    /// The lease.
    package var lease: Lease
    /// Anything but `in_progress` means: start no more calls.
    package var batchStatus: BatchStatus
    /// Whether the batch is paused: start no more calls, give back what was not started.
    package var isPaused: Bool
    /// Seconds until the batch's window passes, by the database's clock; negative afterwards.
    package var secondsLeft: Double

    /// A lease that still holds.
    package init(lease: Lease, batchStatus: BatchStatus, isPaused: Bool, secondsLeft: Double) {
        self.lease = lease
        self.batchStatus = batchStatus
        self.isPaused = isPaused
        self.secondsLeft = secondsLeft
    }
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
                with held as (\(Self.held(leases, by: worker)))
                update shards s set lease_until = clock_timestamp() + \(lease)
                from held, batches b
                where s.batch_id = held.batch_id and s.shard_no = held.shard_no and s.part = held.part
                  and b.id = s.batch_id
                returning s.batch_id, s.shard_no, s.part, s.epoch, b.status, b.paused_at is not null as is_paused,
                    extract(epoch from b.expires_at - clock_timestamp())::float8 as seconds_left
                """
            ).map { row in
                LeaseRenewal(
                    lease: Lease(shard: try row.shardKey(), epoch: try row["epoch", as: Int32.self]),
                    batchStatus: try row.choice("status"), isPaused: try row["is_paused", as: Bool.self],
                    secondsLeft: try row["seconds_left", as: Double.self])
            }
        }
    }

    /// The shards that `worker` still holds under `leases`, locked in the one order that all writers of several shards
    /// keep, so that none waits for another in a circle.
    static func held(_ leases: [Lease], by worker: WorkerID) -> Fragment {
        """
        select s.batch_id, s.shard_no, s.part
        from unnest(\(leases.map(\.shard.batch.rawValue)), \(leases.map(\.shard.number)),
                \(leases.map(\.shard.part)), \(leases.map(\.epoch))) as named (batch_id, shard_no, part, epoch)
            join shards s on s.batch_id = named.batch_id and s.shard_no = named.shard_no and s.part = named.part
                and s.epoch = named.epoch
        where s.state = 'claimed' and s.worker_id = \(worker.rawValue)
        order by s.batch_id collate "C", s.shard_no, s.part
        for update of s
        """
    }
}
