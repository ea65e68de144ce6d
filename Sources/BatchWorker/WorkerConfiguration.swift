// SPDX-License-Identifier: Apache-2.0

/// Settings of a worker.
package struct WorkerConfiguration: Hashable, Sendable {
    /// Calls in flight at most, over all backends, 1…20,000. Default 1,024; how many there are at a time is decided for
    /// each backend and model by what it keeps up with.
    package var concurrency = 1_024
    /// How long a claim holds without renewal: a dead worker's shards wait this long, ≥ 1 s. Default 10 s.
    package var lease: Duration = .seconds(10)
    /// How often every lease is renewed, at most 0.4 of ``lease``. Default 1.5 s:
    /// also how late a cancelled batch is noticed where notifications do not come through.
    package var renewEvery: Duration = .milliseconds(1_500)
    /// No result waits longer for its checkpoint: what a crash costs at most. Default 1 s.
    package var checkpointEvery: Duration = .seconds(1)
    /// A shard with this many unrecorded results is checkpointed at once. Default 512.
    package var checkpointLinesMax = 512
    /// A shard with this many bytes of unrecorded results is checkpointed at once. Default 4 MiB.
    package var checkpointBytesMax = 4 << 20
    /// Unrecorded results above this many bytes, whole worker: no call starts until some are recorded. Default 64 MiB.
    package var bufferedBytesMax = 64 << 20
    /// After the signal to stop, calls in flight may go on for this long. Default 30 s.
    package var drainDeadline: Duration = .seconds(30)
    /// After the drain, or at once when told twice: how long the last checkpoint and the release may take. Default 2 s.
    package var farewellDeadline: Duration = .seconds(2)
    /// Calls in flight of a cancelled batch may go on for this long. Default 10 s.
    package var cancelGrace: Duration = .seconds(10)
    /// How often to look for shards without having been told of any. Default 2 s.
    package var pollEvery: Duration = .seconds(2)
    /// How often the worker says that it lives, and asks for its shares of capped backends. Default 0.5 s.
    package var heartbeatEvery: Duration = .milliseconds(500)
    /// A worker that said nothing for so long has no shares of capped backends any more, and starts no more calls
    /// there; at least twice ``heartbeatEvery``. Default 1.5 s.
    package var shareSilence: Duration = .milliseconds(1_500)
    /// Batches of which a worker takes a first shard although it has enough lines on hand, so that a small batch does
    /// not wait behind a big one. Default 16.
    package var heldBatchesMax = 16
    /// Shards claimed by one statement, 1…64. Default 16.
    package var claimShardsMax = 16
    /// Lines on hand beyond which nothing is claimed: waiting to start, to be retried, and in flight. Default 16,384.
    package var heldLinesMax = 16_384
    /// Bytes of packed lines on hand beyond which nothing is claimed. Default 64 MiB.
    package var heldBytesMax = 64 << 20
    /// A statement that takes longer is given up and repeated. Default 20 s.
    package var storeDeadline: Duration = .seconds(20)
    /// The machine's name, for people who look at the list of workers.
    package var host = "localhost"
    /// The process id, for the same.
    package var processID: Int32 = 0
    /// The program's version, for the same.
    package var version = "0"

    /// The defaults.
    package init() {}

    /// No call starts under a lease that was confirmed longer ago than this: 0.7 of ``lease``.
    package var leaseTrust: Duration { lease * 0.7 }

    /// What is wrong, one sentence each; empty when it can be used.
    package func validate() -> [String] {
        var problems: [String] = []
        func require(_ condition: Bool, _ problem: String) {
            if !condition { problems.append("worker: \(problem)") }
        }
        require((1...20_000).contains(concurrency), "concurrency must be 1…20000, is \(concurrency)")
        require(lease >= .seconds(1), "lease must be at least 1 s, is \(lease)")
        require(
            renewEvery > .zero && renewEvery <= lease * 0.4,
            "renewal must come at least every 0.4 of the lease (\(lease * 0.4)), is \(renewEvery)")
        require(
            checkpointEvery > .zero && checkpointEvery <= lease,
            "checkpoint interval must be above 0 and at most a lease (\(lease)), is \(checkpointEvery)")
        require(checkpointLinesMax >= 1, "checkpoint lines must be at least 1, is \(checkpointLinesMax)")
        require(checkpointBytesMax >= 1, "checkpoint bytes must be at least 1, is \(checkpointBytesMax)")
        require(
            bufferedBytesMax >= checkpointBytesMax,
            "buffered bytes must not be below checkpoint bytes (\(checkpointBytesMax)), is \(bufferedBytesMax)")
        require((1...64).contains(claimShardsMax), "shards per claim must be 1…64, is \(claimShardsMax)")
        require(heldLinesMax >= 1, "held lines must be at least 1, is \(heldLinesMax)")
        require(heldBytesMax >= 1, "held bytes must be at least 1, is \(heldBytesMax)")
        require(heldBatchesMax >= 1, "held batches must be at least 1, is \(heldBatchesMax)")
        require(
            shareSilence >= heartbeatEvery * 2,
            "share silence must be at least twice the heartbeat (\(heartbeatEvery)), is \(shareSilence)")
        require(drainDeadline >= .zero, "drain deadline must not be negative")
        require(cancelGrace >= .zero, "cancel grace must not be negative")
        for (what, value) in [
            ("farewell deadline", farewellDeadline), ("poll interval", pollEvery),
            ("heartbeat interval", heartbeatEvery), ("store deadline", storeDeadline),
        ] {
            require(value > .zero, "\(what) must be positive")
        }
        return problems
    }
}
