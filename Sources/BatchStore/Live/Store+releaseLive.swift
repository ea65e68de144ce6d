// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Forgets requests whose answers were given.
    package func forgetLive(waiter: Int64, _ lines: [LiveLineKey]) async throws {
        guard !lines.isEmpty else { return }
        try await pool.run { session in
            try session.execute(
                """
                delete from live_requests l using (\(Self.named(lines))) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                  and l.waiter = \(waiter)
                """)
        }
    }

    /// Says that nobody waits for these lines any more: those that still wait after `dropAfter` are dropped, the others
    /// are kept for the same request sent again.
    package func orphanLive(waiter: Int64, _ lines: [LiveLineKey], dropAfter: Duration) async throws {
        guard !lines.isEmpty else { return }
        try await pool.run { session in
            try session.execute(
                """
                update live_requests l set waiter = null, orphaned_at = clock_timestamp(),
                    drop_at = clock_timestamp() + \(dropAfter)
                from (\(Self.named(lines))) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                  and l.waiter = \(waiter)
                """)
        }
    }

    /// Says that the process waits for these lines only: what else it seems to wait for comes of a transaction whose
    /// answer was lost.
    package func keepLive(waiter: Int64, only lines: [LiveLineKey], dropAfter: Duration) async throws {
        try await pool.run { session in
            try session.execute(
                """
                update live_requests l set waiter = null, orphaned_at = clock_timestamp(),
                    drop_at = clock_timestamp() + \(dropAfter)
                where l.waiter = \(waiter) and not exists (
                    select 1 from (\(Self.named(lines))) n
                    where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal)
                """)
        }
    }

    /// The process waits for these lines after all, although others took it for dead and nobody seems to.
    package func reclaimLive(waiter: Int64, _ lines: [LiveLineKey]) async throws {
        guard !lines.isEmpty else { return }
        try await pool.run { session in
            try session.execute(
                """
                update live_requests l set waiter = \(waiter), orphaned_at = null, drop_at = null
                from (\(Self.named(lines))) n
                where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
                  and l.waiter is null
                """)
        }
    }

    /// The process leaves: it waits for nothing and adds to nothing any more.
    package func leaveLive(waiter: Int64, dropAfter: Duration) async throws {
        try await pool.run { session in
            try session.execute(
                """
                update live_requests set waiter = null, orphaned_at = clock_timestamp(),
                    drop_at = clock_timestamp() + \(dropAfter)
                where waiter = \(waiter)
                """)
            try session.execute(
                """
                update live_batches set sealed_at = clock_timestamp()
                where coordinator = \(waiter) and sealed_at is null
                """)
        }
    }

    /// The process adds nothing to these batches any more.
    package func sealLive(_ batches: [BatchID]) async throws {
        guard !batches.isEmpty else { return }
        try await pool.run { session in
            try session.execute(
                """
                update live_batches set sealed_at = clock_timestamp()
                where batch_id = any(\(batches.map(\.rawValue))) and sealed_at is null
                """)
        }
    }
}
