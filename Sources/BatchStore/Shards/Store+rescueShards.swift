// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Shards rescued by one statement.
    private static let rescueLimit = 500

    /// Makes shards ready again whose worker let the lease run out; returns which, with the worker that lost them.
    ///
    /// A shard that was lost before waits a little, longer each time, so that one that kills its workers does not take
    /// them all down in a row. The epoch is raised here as well, so that the old worker is fenced before anybody
    /// claims the shard.
    package func rescueShards() async throws -> [(shard: ShardKey, worker: WorkerID)] {
        try await pool.run { session in
            let rescued = try session.query(
                """
                with lost as (
                    select batch_id, shard_no, worker_id from shards
                    where state = 'claimed' and lease_until < clock_timestamp()
                    limit \(Self.rescueLimit) for update skip locked
                )
                update shards s set state = 'ready', epoch = s.epoch + 1, worker_id = null, lease_until = null,
                    not_before = case when s.attempts > 1 then clock_timestamp()
                        + interval '1 second' * least(power(2, least(s.attempts, 10)), 600) end
                from lost where s.batch_id = lost.batch_id and s.shard_no = lost.shard_no
                returning s.batch_id, s.shard_no, lost.worker_id
                """
            ).map { row in
                (
                    shard: ShardKey(
                        batch: try row.identifier("batch_id"), number: try row["shard_no", as: Int32.self]),
                    worker: try row.identifier("worker_id") as WorkerID
                )
            }
            if !rescued.isEmpty { try session.query("select pg_notify(\(Signals.shards), '')") }
            return rescued
        }
    }
}
