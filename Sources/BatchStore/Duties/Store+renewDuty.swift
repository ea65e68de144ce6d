// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Extends a duty's lease; false when it was lost to another coordinator or the batch moved on.
    package func renewDuty(_ duty: DutyLease, lease: Duration) async throws -> Bool {
        try await pool.run { session in
            try session.execute(
                """
                update batches set owner_until = clock_timestamp() + \(lease)
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch)
                  and status in ('validating', 'finalizing', 'cancelling')
                """) == 1
        }
    }

    /// Gives a duty back unfinished.
    ///
    /// - Parameter failed: whether the work itself went wrong: then nobody takes it for a while, the longer the more
    ///   often it was tried, so that one batch that cannot be done delays no other. Otherwise it is free at once.
    package func releaseDuty(_ duty: DutyLease, failed: Bool) async throws {
        try await pool.run { session in
            try session.execute(
                """
                update batches set owner = null,
                    owner_until = case when \(failed) then clock_timestamp() + least(
                        interval '1 second' * power(2, least(duty_attempts, 9)), interval '5 minutes') end,
                    duty_attempts = case when \(failed) then duty_attempts else greatest(duty_attempts - 1, 0) end
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch)
                  and status in ('validating', 'finalizing', 'cancelling')
                """)
        }
    }
}
