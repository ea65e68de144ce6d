// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A batch whose files are to be written.
package struct FinalizationDuty: Sendable {
    /// The right to do it.
    package var lease: DutyLease
    /// The tenant, which will own the files.
    package var project: ProjectID
    /// `finalizing` or `cancelling`: what the commit expects to find.
    package var status: BatchStatus
    /// How the batch will end.
    package var ending: BatchEnding
    /// How its files look.
    package var profile: Profile
    /// Request lines in all; 0 when the batch never left validation.
    package var total: Int64
    /// Lifetime of the output files, or nil for the server's default.
    package var outputExpiresAfterSeconds: Int64?
    /// Shards of the batch.
    package var shardCount: Int32
    /// How often a coordinator took this duty, this time included.
    package var attempts: Int32
    /// Whether the files are to be delivered elsewhere before the batch ends.
    package var isDelivered = false
    /// Whether an earlier run left an error file elsewhere, which this one replaces even when nothing failed.
    package var hadErrors = false
    /// How often the batch was resumed: then an earlier run wrote to the same places.
    package var resumes: Int32 = 0
}

extension Store {
    /// Takes a batch that waits for its files; nil when there is none.
    ///
    /// A batch with live leases is left alone until its workers have flushed what they hold, but no longer than
    /// `grace`: then the leases are broken. Taking the duty fences every worker out, so that what is read from then on
    /// does not change.
    package func claimFinalization(
        owner: CoordinatorID, lease: Duration, grace: Duration
    ) async throws -> FinalizationDuty? {
        try await pool.transaction { session in
            let rows = try session.query(
                """
                update batches set owner = \(owner.rawValue), owner_epoch = owner_epoch + 1,
                    owner_until = clock_timestamp() + \(lease), duty_attempts = duty_attempts + 1
                where id = (
                    select id from batches b
                    where status in ('finalizing', 'cancelling') and held_at is null
                      and (owner_until is null or owner_until < clock_timestamp())
                      and (coalesce(cancelling_at, finalizing_at) < clock_timestamp() - \(grace) or not exists (
                          select 1 from shards s where s.batch_id = b.id and s.state = 'claimed'
                            and s.lease_until > clock_timestamp()))
                    order by duty_attempts, seq limit 1 for update skip locked
                )
                returning id, owner_epoch, project_id, status, coalesce(ending, 'completed') as ending, total,
                    output_expires_after_seconds, profile, duty_attempts, output_url is not null as is_delivered,
                    had_errors
                """)
            guard let row = rows.first else { return nil }
            let batch: BatchID = try row.identifier("id")
            // Ready shards too: a claim that is about to commit is waited for and fenced, a later one finds nothing,
            // and the claim index holds no shards of batches that have stopped. Locked in the order of all writers.
            try session.execute(
                """
                with stopping as (
                    select batch_id, shard_no, part from shards
                    where batch_id = \(batch.rawValue) and state in ('ready', 'claimed')
                    order by shard_no, part for update
                )
                update shards s set state = 'draft', epoch = s.epoch + 1, worker_id = null, lease_until = null
                from stopping
                where s.batch_id = stopping.batch_id and s.shard_no = stopping.shard_no and s.part = stopping.part
                """)
            let shards = try session.query(
                """
                select coalesce(max(s.shard_no) + 1, 0) as shard_count
                from batches b join shards s on s.batch_id = b.id
                where b.id = \(batch.rawValue) and b.in_progress_at is not null
                """)
            return FinalizationDuty(
                lease: DutyLease(batch: batch, epoch: try row["owner_epoch", as: Int32.self]),
                project: try row.identifier("project_id"), status: try row.choice("status"),
                ending: try row.choice("ending"), profile: try row.choice("profile"),
                total: try row["total", as: Int64.self],
                outputExpiresAfterSeconds: try row["output_expires_after_seconds", as: Int64?.self],
                shardCount: try shards.onlyRow("shards")["shard_count", as: Int32.self],
                attempts: try row["duty_attempts", as: Int32.self],
                isDelivered: try row["is_delivered", as: Bool.self],
                hadErrors: try row["had_errors", as: Bool.self])
        }
    }
}
