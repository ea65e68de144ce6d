// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A shard whose worker let the lease run out, and what became of it.
package struct RescuedShard: Sendable {
    /// What became of it.
    package enum Fate: Hashable, Sendable {
        /// It is ready again, with what is done of it.
        case ready
        /// It was lost again without a result: its unfinished lines are ready in two halves.
        case split
        /// Its only unfinished line was lost too often: it has failed, by the coordinator's hand.
        case abandoned
    }

    /// The shard.
    package var shard: ShardKey
    /// Who lost it.
    package var worker: WorkerID
    /// What became of it.
    package var fate: Fate
}

extension Store {
    /// Shards rescued by one statement.
    private static let rescueLimit = 500

    /// Makes shards ready again whose worker let the lease run out; returns which, with the worker that lost them.
    ///
    /// The epoch is raised here as well, so that the old worker is fenced before anybody claims the shard. When a
    /// worker is lost, those of its shards are accused that had the most losses without a result before; for the others
    /// it does not count. An accused shard with two losses or more waits a little before it is claimed again, and is
    /// split in two halves, so that a line that kills workers is found in few steps; what is with it goes on without
    /// it. A line that is alone gets a result when it was lost `poisonAttempts` times.
    package func rescueShards(poisonAttempts: Int = 3) async throws -> [RescuedShard] {
        let rescued = try await pool.run { session in try Self.rescueReady(poisonAttempts, session) }
        let accused = try await pool.run { session in try Self.accused(poisonAttempts, session) }
        var settled: [RescuedShard] = []
        for suspect in accused {
            let shard = try await pool.transaction { session in try Self.settle(suspect, session) }
            if let shard { settled.append(shard) }
        }
        return rescued + settled
    }

    /// Lost shards with `losses`, the largest count among all that the same worker holds.
    private static let lost: StaticString = """
        select s.batch_id, s.shard_no, s.part, s.epoch, s.worker_id, s.attempts,
            s.line_count - s.done_count - s.moved_count as unfinished,
            (select max(h.attempts) from shards h where h.state = 'claimed' and h.worker_id = s.worker_id) as losses
        from shards s where s.state = 'claimed' and s.lease_until < clock_timestamp()
        """

    /// Frees everything that is neither split nor abandoned.
    private static func rescueReady(_ poisonAttempts: Int, _ session: Session) throws -> [RescuedShard] {
        let rows = try session.query(
            """
            with lost as materialized (\(unescaped: lost)), free as materialized (
                select s.batch_id, s.shard_no, s.part, s.worker_id, l.attempts = l.losses as is_accused
                from lost l join shards s
                    on s.batch_id = l.batch_id and s.shard_no = l.shard_no and s.part = l.part and s.epoch = l.epoch
                where s.state = 'claimed' and s.lease_until < clock_timestamp() and not (
                    l.attempts = l.losses and l.attempts >= 2 and (l.unfinished > 1
                    or l.attempts >= \(poisonAttempts)))
                order by s.batch_id collate "C", s.shard_no, s.part limit \(rescueLimit)
                for update of s skip locked
            )
            update shards s set state = 'ready', epoch = s.epoch + 1, worker_id = null, lease_until = null,
                attempts = case when f.is_accused then s.attempts else greatest(s.attempts - 1, 0) end,
                not_before = case when f.is_accused and s.attempts > 1
                    then clock_timestamp() + interval '1 second' * \(unescaped: pauseSeconds) end
            from free f where s.batch_id = f.batch_id and s.shard_no = f.shard_no and s.part = f.part
            returning s.batch_id, s.shard_no, s.part, f.worker_id
            """)
        if !rows.isEmpty { try session.query("select pg_notify(\(Signals.shards), '')") }
        return try rows.map {
            RescuedShard(shard: try $0.shardKey(), worker: try $0.identifier("worker_id"), fate: .ready)
        }
    }

    /// How long a suspect is left alone: doubling, at most 30 s.
    static let pauseSeconds: StaticString = "least(power(2, least(s.attempts - 1, 5)), 30)"

    /// Lost shards that are to be split or abandoned.
    private static func accused(_ poisonAttempts: Int, _ session: Session) throws -> [Lease] {
        try session.query(
            """
            select batch_id, shard_no, part, epoch from (\(unescaped: lost)) l
            where attempts = losses and attempts >= 2 and (unfinished > 1 or attempts >= \(poisonAttempts))
            order by batch_id collate "C", shard_no, part limit \(rescueLimit)
            """
        ).map { Lease(shard: try $0.shardKey(), epoch: try $0["epoch", as: Int32.self]) }
    }
}
