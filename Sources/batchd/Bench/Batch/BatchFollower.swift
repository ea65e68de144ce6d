// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Looks at one batch again and again, more often than its timestamps of whole seconds can tell.
struct BatchFollower: Sendable {
    /// The server.
    let client: Client
    /// `batch_…`
    let id: String
    /// Time between two looks.
    let pollEvery: Duration
    /// When to give up.
    let deadline: ContinuousClock.Instant

    /// Waits until `condition` holds and returns the batch as it was then.
    ///
    /// - Throws: ``BenchFault`` when the batch ends in another way than `completed`, or the deadline passes.
    func until(_ condition: (WireBatch) -> Bool) async throws -> WireBatch {
        while true {
            let batch = try await client.batch(id).value
            if batch.isTerminal && batch.knownStatus != .completed { throw Self.failure(batch) }
            if condition(batch) { return batch }
            guard !batch.isTerminal else {
                throw BenchFault("\(id) was completed before what was waited for could be seen; give it more lines")
            }
            guard ContinuousClock.now < deadline else {
                let (done, total) = (batch.counts.completed + batch.counts.failed, batch.counts.total)
                throw BenchFault(
                    "\(id) is still \(batch.status) with \(done) of \(total) lines at the end of --limit; raise it")
            }
            try await Task.sleep(for: pollEvery)
        }
    }

    private static func failure(_ batch: WireBatch) -> BenchFault {
        let problem = batch.errors?.data.first?.message
        return BenchFault("\(batch.id) is \(batch.status)\(problem.map { ": \($0)" } ?? "")")
    }
}

extension WireBatch {
    /// How far the batch is on its way to completion: 0 validating, 1 in progress, 2 finalizing, 3 ended.
    var progressRank: Int {
        switch knownStatus {
        case nil, .validating: 0
        case .inProgress, .cancelling: 1
        case .finalizing: 2
        case .completed, .failed, .expired, .cancelled: 3
        }
    }
}
