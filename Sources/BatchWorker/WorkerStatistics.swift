// SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// Where a worker's time goes: counters that only grow, read by whoever measures.
package final class WorkerStatistics: Sendable {
    private let lines = Atomic<Int>(0)
    private let callTime = Atomic<Int>(0)
    private let checkpoints = Atomic<Int>(0)
    private let recordTime = Atomic<Int>(0)
    private let claims = Atomic<Int>(0)
    private let claimTime = Atomic<Int>(0)

    /// All zero.
    package init() {}

    /// Calls made, retries included.
    package var linesCalled: Int { lines.load(ordering: .relaxed) }
    /// Nanoseconds of all calls together; calls overlap.
    package var callNanoseconds: Int { callTime.load(ordering: .relaxed) }
    /// Checkpoints written, one per shard and statement.
    package var checkpointsWritten: Int { checkpoints.load(ordering: .relaxed) }
    /// Nanoseconds spent in writing them.
    package var recordNanoseconds: Int { recordTime.load(ordering: .relaxed) }
    /// Shards claimed.
    package var shardsClaimed: Int { claims.load(ordering: .relaxed) }
    /// Nanoseconds spent in claiming.
    package var claimNanoseconds: Int { claimTime.load(ordering: .relaxed) }

    /// All of it as fields of a log line, times in seconds; what the worker says at its end.
    var fields: Logger.Metadata {
        func seconds(_ nanoseconds: Int) -> Logger.MetadataValue { "\(Double(nanoseconds / 1_000) / 1_000_000)" }
        return [
            "shards_claimed": "\(shardsClaimed)", "claim_seconds": seconds(claimNanoseconds),
            "calls": "\(linesCalled)", "call_seconds": seconds(callNanoseconds),
            "checkpoints": "\(checkpointsWritten)", "record_seconds": seconds(recordNanoseconds),
        ]
    }

    /// One call has ended.
    func countCall(_ duration: Duration) {
        lines.add(1, ordering: .relaxed)
        callTime.add(duration.wholeNanoseconds, ordering: .relaxed)
    }

    /// One statement has written checkpoints.
    func countRecord(checkpoints count: Int, _ duration: Duration) {
        checkpoints.add(count, ordering: .relaxed)
        recordTime.add(duration.wholeNanoseconds, ordering: .relaxed)
    }

    /// One statement has claimed shards.
    func countClaim(shards count: Int, _ duration: Duration) {
        claims.add(count, ordering: .relaxed)
        claimTime.add(duration.wholeNanoseconds, ordering: .relaxed)
    }
}

extension Duration {
    /// Whole nanoseconds; a process does not live for the 292 years that overflow them.
    fileprivate var wholeNanoseconds: Int {
        Int(components.seconds) &* 1_000_000_000 &+ Int(components.attoseconds / 1_000_000_000)
    }
}
