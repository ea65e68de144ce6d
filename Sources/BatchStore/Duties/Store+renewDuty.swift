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

    /// Gives a duty back unfinished, so that any coordinator may take it at once.
    package func releaseDuty(_ duty: DutyLease) async throws {
        try await pool.run { session in
            try session.execute(
                """
                update batches set owner = null, owner_until = null,
                    duty_attempts = greatest(duty_attempts - 1, 0)
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch)
                  and status in ('validating', 'finalizing', 'cancelling')
                """)
        }
    }
}
