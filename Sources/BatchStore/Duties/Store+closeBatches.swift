// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Batches moved by one statement.
    private static let closeLimit = 100

    /// Moves batches whose last shard is done, or whose window has passed, to `finalizing`; returns how many.
    ///
    /// A batch whose lines all have results when its window passes still completes. Live batches are no business of
    /// the finalizer's.
    package func closeBatches() async throws -> Int {
        try await pool.run { session in
            try session.query(
                """
                update batches b set status = 'finalizing', finalizing_at = clock_timestamp(),
                    owner = null, owner_until = null, duty_attempts = 0, owner_epoch = owner_epoch + 1,
                    ending = case when open.is_exhausted then 'completed' else 'expired' end
                from (
                    select id, is_exhausted from (
                        select id, status, expires_at,
                            status = 'in_progress' and not exists (
                                select 1 from shards s where s.batch_id = c.id and s.state in ('ready', 'claimed')
                            ) as is_exhausted
                        from batches c where status in ('in_progress', 'validating') and lane <> 0
                    ) candidate
                    where is_exhausted or expires_at <= clock_timestamp()
                    limit \(Self.closeLimit)
                ) open
                where b.id = open.id and b.status in ('in_progress', 'validating')
                returning b.id, pg_notify(\(Signals.batches), b.id)
                """
            ).count
        }
    }
}
