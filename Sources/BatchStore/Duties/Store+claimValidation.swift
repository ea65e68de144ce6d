// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A coordinator's right to work on a batch: every later write carries the epoch.
package struct DutyLease: Hashable, Sendable {
    /// The batch.
    package var batch: BatchID
    /// Raised by one with each claim of the duty.
    package var epoch: Int32

    /// The right to work on a batch.
    package init(batch: BatchID, epoch: Int32) {
        self.batch = batch
        self.epoch = epoch
    }
}

/// A batch to validate and split.
package struct ValidationDuty: Sendable {
    /// The right to do it.
    package var lease: DutyLease
    /// The tenant, which must own the input file.
    package var project: ProjectID
    /// The input file as the user named it.
    package var inputFileID: String
    /// The path that every line must name.
    package var endpoint: String
    /// Whose rules hold.
    package var profile: Profile
    /// The model of all lines, where it was named with the batch and not by the lines.
    package var model: String?
    /// The batch whose failed lines are to be run again; nil when all lines are to be run.
    package var parent: BatchID?
    /// How often a coordinator took this duty, this time included.
    package var attempts: Int32
}

extension Store {
    /// Takes the oldest batch that waits for validation and whose duty nobody holds; nil when there is none.
    ///
    /// Batches that were tried less often come first, so that one that kills coordinators delays nobody.
    package func claimValidation(owner: CoordinatorID, lease: Duration) async throws -> ValidationDuty? {
        try await pool.run { session in
            try session.query(
                """
                update batches set owner = \(owner.rawValue), owner_epoch = owner_epoch + 1,
                    owner_until = clock_timestamp() + \(lease), duty_attempts = duty_attempts + 1
                where id = (
                    select id from batches
                    where status = 'validating' and (owner_until is null or owner_until < clock_timestamp())
                      and (input_url is null or input_fetched_at is not null)
                      and (queue is null or admitted_at is not null) and in_progress_at is null
                    order by duty_attempts, seq limit 1 for update skip locked
                )
                returning id, owner_epoch, project_id, input_file_id, endpoint, profile, model,
                    parent_batch_id, duty_attempts
                """
            ).first.map { row in
                ValidationDuty(
                    lease: DutyLease(batch: try row.identifier("id"), epoch: try row["owner_epoch", as: Int32.self]),
                    project: try row.identifier("project_id"),
                    inputFileID: try row["input_file_id", as: String.self],
                    endpoint: try row["endpoint", as: String.self],
                    profile: try row.choice("profile"), model: try row["model", as: String?.self],
                    parent: try row.optionalIdentifier("parent_batch_id"),
                    attempts: try row["duty_attempts", as: Int32.self])
            }
        }
    }
}
