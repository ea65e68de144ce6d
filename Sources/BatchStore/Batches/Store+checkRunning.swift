// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres

extension Store {
    /// Refuses a batch when its project has as many of its profile under way as it may have.
    ///
    /// The advisory lock makes creators of one project wait for each other until the commit, so that the count is exact
    /// however many come at once; batches that end meanwhile only make room.
    /// - Throws: a 429 ``BatchCore/BatchError`` that says which limit it is.
    static func checkRunning(_ new: NewBatch, _ session: Session) throws {
        let isTest = new.endpoint == Endpoint.test.rawValue
        guard new.runningMax.all > 0 || (isTest && new.runningMax.test > 0) else { return }
        try session.query(
            "select pg_advisory_xact_lock(hashtextextended(\(new.project.rawValue) || \(new.profile.rawValue), 3))")
        let row = try session.query(
            """
            select count(*)::int8 as all_running,
                count(*) filter (where endpoint = \(Endpoint.test.rawValue))::int8 as test_running
            from batches where project_id = \(new.project.rawValue) and profile = \(new.profile.rawValue) and lane <> 0
              and status in ('validating', 'in_progress', 'finalizing', 'cancelling')
            """
        ).onlyRow("batches")
        let test = try row["test_running", as: Int64.self]
        if isTest, new.runningMax.test > 0, test >= new.runningMax.test {
            throw tooMany("\(test) batches of the test model", max: new.runningMax.test)
        }
        let all = try row["all_running", as: Int64.self]
        if new.runningMax.all > 0, all >= new.runningMax.all {
            throw tooMany("\(all) batches", max: new.runningMax.all)
        }
    }

    /// Nobody knows when a batch ends, so that SDKs should leave it to the user to try again.
    private static func tooMany(_ running: String, max: Int) -> BatchError {
        BatchError(
            status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
            message:
                "This project has \(running) under way, and at most \(max) are allowed at once. Wait until one has "
                + "ended, or cancel one, and create the batch again.", retryAfterSeconds: 60, isFinal: true)
    }
}
