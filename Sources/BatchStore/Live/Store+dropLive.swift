// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Requests looked at by one statement.
    private static let orphanLimit = 2_000

    /// Finds requests whose waiter is a process that has died, and batches that such a process added to: nobody waits
    /// for the former, and the latter are sealed. Returns how many requests; call again when it was many.
    ///
    /// - Parameter by: the lock of who asks; that one lives.
    package func orphanDead(by waiter: Int64, dropAfter: Duration) async throws -> Int {
        try await pool.run { session in
            let dead = try session.query(
                """
                with recursive waiters as (
                    (select waiter from live_requests where waiter is not null order by waiter limit 1)
                    union all
                    select (
                        select l.waiter from live_requests l where l.waiter > w.waiter order by l.waiter limit 1)
                    from waiters w where w.waiter is not null
                ), known as (
                    select waiter from waiters where waiter is not null
                    union select coordinator from live_batches where sealed_at is null
                )
                select waiter from known
                where waiter <> \(waiter) and waiter not in (select id from live_processes)
                """
            ).map { try $0["waiter", as: Int64.self] }
            guard !dead.isEmpty else { return 0 }
            // A process that only seemed dead finds its batches sealed and opens others.
            try session.execute(
                """
                update live_batches set sealed_at = clock_timestamp()
                where batch_id in (
                    select batch_id from live_batches where coordinator = any(\(dead)) and sealed_at is null
                    order by batch_id for update skip locked)
                """)
            return try session.execute(
                """
                update live_requests l set waiter = null, orphaned_at = clock_timestamp(),
                    drop_at = clock_timestamp() + \(dropAfter)
                from (
                    select batch_id, shard_no, ordinal from live_requests where waiter = any(\(dead))
                    order by batch_id collate "C", shard_no, ordinal limit \(Self.orphanLimit) for update skip locked
                ) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                """)
        }
    }

    /// Drops lines that nobody waits for and that no worker has taken up in time; returns how many requests were looked
    /// at. What has been taken up is kept.
    ///
    /// A line that is dropped is in no part of its shard any more. The rows of the requests are locked before those of
    /// the shards; a request that is sent again waits for the decision.
    package func dropAbandoned() async throws -> Int {
        try await pool.transaction { session in
            let due = try session.query(
                """
                select batch_id, shard_no, ordinal from live_requests
                where drop_at <= clock_timestamp() order by drop_at limit \(Self.orphanLimit)
                for update skip locked
                """
            ).map { try $0.liveLineKey() }
            guard !due.isEmpty else { return 0 }
            let (dropped, undecided) = try Self.drop(due, session)
            try session.execute(
                """
                delete from live_requests l using (\(Self.named(dropped))) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                """)
            let rest = Array(Set(due).subtracting(dropped).subtracting(undecided))
            try session.execute(
                """
                update live_requests l set drop_at = null from (\(Self.named(rest))) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                """)
            return due.count
        }
    }

    /// Takes lines out of parts that are ready; returns those that were, and those whose parts somebody is busy with.
    private static func drop(
        _ due: [LiveLineKey], _ session: Session
    ) throws -> (dropped: [LiveLineKey], undecided: [LiveLineKey]) {
        let wanted = Dictionary(grouping: due, by: \.shard)
        let shards = Array(wanted.keys)
        let ready = try session.query(
            """
            select s.batch_id, s.shard_no, s.part, s.line_count, s.done, s.moved
            from unnest(\(shards.map(\.batch.rawValue)), \(shards.map(\.number))) as n (batch_id, shard_no)
                join shards s using (batch_id, shard_no)
            where s.state = 'ready'
            """
        ).map { try $0.shardKey() }
        let locked = try session.query(
            """
            select s.batch_id, s.shard_no, s.part, s.line_count, s.done, s.moved
            from unnest(\(ready.map(\.batch.rawValue)), \(ready.map(\.number)), \(ready.map(\.part))
            ) as n (batch_id, shard_no, part) join shards s using (batch_id, shard_no, part)
            where s.state = 'ready' order by s.batch_id collate "C", s.shard_no, s.part
            for update of s skip locked
            """)
        var dropped: [LiveLineKey] = []
        var changed: [(key: ShardKey, moved: LineSet)] = []
        for row in locked {
            let key = try row.shardKey()
            let lineCount = Int(try row["line_count", as: Int32.self])
            let done = try row.lineSet("done", of: key, lineCount: lineCount)
            var moved = try row.lineSet("moved", of: key, lineCount: lineCount)
            for line in wanted[LiveShardKey(batch: key.batch, number: key.number)] ?? []
            where !done.contains(Int(line.ordinal)) && moved.insert(Int(line.ordinal)) {
                dropped.append(line)
            }
            changed.append((key, moved))
        }
        try move(changed, session)
        let missed = Set(ready).subtracting(changed.map(\.key))
        let busy = Set(missed.map { LiveShardKey(batch: $0.batch, number: $0.number) })
        return (dropped, Set(due).subtracting(dropped).filter { busy.contains($0.shard) })
    }

    /// Writes what is left to parts whose rows are locked; with nothing left a part is done.
    private static func move(_ parts: [(key: ShardKey, moved: LineSet)], _ session: Session) throws {
        let parts = parts.filter { $0.moved.count > 0 }
        guard !parts.isEmpty else { return }
        try session.execute(
            """
            update shards s set moved = n.moved, moved_count = n.moved_count,
                state = case when s.done_count + n.moved_count = s.line_count then 'done' else s.state end
            from unnest(\(parts.map(\.key.batch.rawValue)), \(parts.map(\.key.number)), \(parts.map(\.key.part)),
                \(parts.map(\.moved.bytes)), \(parts.map { Int32($0.moved.count) })
            ) as n (batch_id, shard_no, part, moved, moved_count)
            where s.batch_id = n.batch_id and s.shard_no = n.shard_no and s.part = n.part
            """)
    }
}
