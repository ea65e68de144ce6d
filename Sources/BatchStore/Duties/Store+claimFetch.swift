// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A batch whose input is to be fetched.
package struct FetchDuty: Sendable {
    /// The right to do it.
    package var lease: DutyLease
    /// The tenant, which will own the file.
    package var project: ProjectID
    /// What the operator calls the tenant: rules of the configuration name projects so.
    package var projectName: String
    /// The manner of the batch, whose limits hold for the file.
    package var profile: Profile
    /// The id that is reserved for the file.
    package var file: FileID
    /// Where the bytes are, as the user wrote it.
    package var url: String
    /// How often a coordinator took this duty, this time included.
    package var attempts: Int32
}

extension Store {
    /// Takes a batch whose input was not fetched yet and whose duty nobody holds; nil when there is none. Jobs that
    /// wait for a place (see ``admitJobs(runningMax:)``) are left alone.
    ///
    /// - Parameter perProjectMax: fetches of one project under way at once, over all coordinators, give or take the
    ///   claims of the same moment: slow servers of one tenant must not stop the others.
    package func claimFetch(
        owner: CoordinatorID, lease: Duration, perProjectMax: Int
    ) async throws -> FetchDuty? {
        try await pool.run { session in
            try session.query(Self.fetchClaim(owner, lease, perProjectMax: perProjectMax)).first.map { row in
                FetchDuty(
                    lease: DutyLease(batch: try row.identifier("id"), epoch: try row["owner_epoch", as: Int32.self]),
                    project: try row.identifier("project_id"), projectName: try row["name", as: String.self],
                    profile: try row.choice("profile"), file: try row.identifier("input_file_id"),
                    url: try row["input_url", as: String.self],
                    attempts: try row["duty_attempts", as: Int32.self])
            }
        }
    }

    /// The one statement of a claim. Its conditions are those of the index, in which nobody stands who waits for a place.
    static func fetchClaim(_ owner: CoordinatorID, _ lease: Duration, perProjectMax: Int) -> Query {
        """
        with busy as materialized (
            select project_id from batches
            where status = 'validating' and input_url is not null and input_fetched_at is null
              and (queue is null or admitted_at is not null)
              and owner is not null and owner_until > clock_timestamp()
            group by project_id having count(*) >= \(perProjectMax)
        )
        update batches b set owner = \(owner.rawValue), owner_epoch = owner_epoch + 1,
            owner_until = clock_timestamp() + \(lease), duty_attempts = duty_attempts + 1
        from projects p
        where p.id = b.project_id and b.id = (
            select id from batches
            where status = 'validating' and input_url is not null and input_fetched_at is null
              and (queue is null or admitted_at is not null)
              and (owner_until is null or owner_until < clock_timestamp())
              and project_id not in (select project_id from busy)
            order by duty_attempts, seq limit 1 for update skip locked
        )
        returning b.id, b.owner_epoch, b.project_id, p.name, b.profile, b.input_file_id, b.input_url,
            b.duty_attempts
        """
    }

    /// Records the fetched file and hands the batch to validation, in one commit. False when the duty is lost, or the
    /// batch was cancelled or has expired meanwhile; then nothing was written.
    package func finishFetch(_ duty: DutyLease, _ file: NewFile) async throws -> Bool {
        try await pool.transaction { session in
            let moved = try session.execute(
                """
                update batches set input_fetched_at = clock_timestamp(), owner = null, owner_until = null,
                    duty_attempts = 0
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch) and status = 'validating'
                  and input_file_id = \(file.id.rawValue) and input_fetched_at is null
                """)
            guard moved == 1 else { return false }
            _ = try Self.insertFile(file, isFetched: true, session)
            try session.query("select pg_notify(\(Signals.batches), \(duty.batch.rawValue))")
            return true
        }
    }
}
