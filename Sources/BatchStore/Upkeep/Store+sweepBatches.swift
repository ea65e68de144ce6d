// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Rows deleted by one statement, so that none runs long.
    private static let sweepLimit = 200

    /// Removes a bounded number of shards and segments of one batch that has ended and cannot be resumed any more;
    /// false when nothing is left to sweep.
    package func sweepBatch() async throws -> Bool {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                select id from batches
                where swept_at is null and status in ('failed', 'completed', 'expired', 'cancelled') and lane <> 0
                  and coalesce(resumable_until, '-infinity'::timestamptz) <= (select clock_timestamp())
                order by coalesce(resumable_until, '-infinity'::timestamptz), seq limit 1 for update skip locked
                """)
            guard let row = rows.first else { return false }
            let batch: BatchID = try row.identifier("id")
            // From here on it can never be resumed, whatever a clock says later.
            try session.execute(
                """
                update batches set resumable_until = null
                where id = \(batch.rawValue) and resumable_until is not null
                """)
            let segments = try session.execute(
                """
                delete from segments where ctid = any (array(
                    select ctid from segments where batch_id = \(batch.rawValue) limit \(Self.sweepLimit)))
                """)
            guard segments < Self.sweepLimit else { return true }
            let shards = try session.execute(
                """
                delete from shards where ctid = any (array(
                    select ctid from shards where batch_id = \(batch.rawValue) limit \(Self.sweepLimit)))
                """)
            guard shards < Self.sweepLimit else { return true }
            try session.execute("update batches set swept_at = clock_timestamp() where id = \(batch.rawValue)")
            return true
        }
    }
}
