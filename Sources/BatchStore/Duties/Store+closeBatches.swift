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
        try await pool.run { session in try session.query(Self.closing()).count }
    }

    /// Reads the batches that run and those whose window has passed; what waits costs nothing.
    static func closing() -> Query {
        """
        update batches b set status = 'finalizing', finalizing_at = clock_timestamp(),
            owner = null, owner_until = null, duty_attempts = 0, owner_epoch = owner_epoch + 1,
            ending = case when open.is_exhausted then 'completed' else 'expired' end
        from (
            select id, bool_or(is_exhausted) as is_exhausted from (
                select c.id, true as is_exhausted from batches c
                where c.status = 'in_progress' and c.lane <> 0 and not exists (
                    select 1 from shards s where s.batch_id = c.id and s.state in ('ready', 'claimed'))
                union all
                select c.id, false from batches c
                where c.status in ('validating', 'in_progress') and c.lane <> 0
                  and c.expires_at <= (select clock_timestamp())
            ) candidate group by id limit \(closeLimit)
        ) open
        where b.id = open.id and b.status in ('in_progress', 'validating')
        returning b.id, pg_notify(\(Signals.batches), b.id)
        """
    }
}
