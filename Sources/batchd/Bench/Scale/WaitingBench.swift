// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// What claiming and recording cost while ever more lines wait, and while many finished batches are in the tables.
struct WaitingBench: Sendable {
    /// Numbers of waiting lines, ascending.
    let waiting: [Int]
    /// Lines that a worker does at each of them.
    let sample: Int
    /// Batches that are finished before the last measurement.
    let finished: Int
    /// Workers measured one after another at each number; the one in the middle is shown.
    let runs: Int
    /// Longest time for one step.
    let limit: Duration

    /// Bytes of a line: so small that ten million fit anywhere.
    static let lineBytes = 160
    /// Lines of a shard.
    static let shardLines: Int64 = 256
    /// Time between two looks at a batch.
    private static let pollEvery = Duration.milliseconds(20)
    /// Batches created at the same time.
    private static let creators = 8

    /// One measurement.
    struct Point: Hashable, Sendable {
        /// Lines that waited at its beginning.
        var waiting: Int
        /// Batches that were finished by then.
        var finished: Int
        /// Lines that the worker did.
        var lines: Int64
        /// Microseconds of claiming for each line.
        var claim: Double
        /// Microseconds of recording for each line.
        var record: Double
        /// Microseconds of PostgreSQL's processors for each line.
        var postgres: Double
    }

    /// Runs all of it in a fleet without processes.
    func run(in fleet: BenchFleet) async throws -> BenchReport {
        let before = MachineState.current
        let client = try await fleet.startCoordinator()
        var points: [Point] = []
        for lines in waiting {
            // Everything that waits is one batch more than before: small ones do not hide behind large ones.
            points.append(try await point(lines, finishedBefore: 0, client, fleet))
        }
        if finished > 0, let lines = waiting.first {
            BenchRun.say("finishing \(finished) batches")
            try await finish(finished, client, fleet)
            points.append(try await point(lines, finishedBefore: finished, client, fleet))
        }
        return WaitingReport(
            points: points, surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
        ).report
    }

    /// Measures with a batch of so many lines, and cancels what is left of it.
    private func point(
        _ lines: Int, finishedBefore: Int, _ client: Client, _ fleet: BenchFleet
    ) async throws -> Point {
        let sample = min(sample, max(lines / 2, 1))
        var follower = try await waitingBatch(lines, client, fleet)
        var left = lines
        var all: [Point] = []
        // The first worker meets cold caches and plans; it is not counted.
        for number in 0...runs {
            if left < sample {
                try await cancel(follower)
                follower = try await waitingBatch(lines, client, fleet)
                left = lines
            }
            let point = try await measure(left, sample, finishedBefore, follower, fleet)
            if number > 0 { all.append(point) }
            left = lines - Int(try await client.batch(follower.id).value.counts.completed)
        }
        try await cancel(follower)
        let sorted = all.sorted { $0.claim + $0.record < $1.claim + $1.record }
        guard !sorted.isEmpty else { throw BenchFault("nothing could be measured with \(lines) lines") }
        let point = sorted[(sorted.count - 1) / 2]
        BenchRun.say(
            """
            \(FigureText.count(lines)) waiting: claim \(FigureText.fixed(point.claim, 2)) µs, record \
            \(FigureText.fixed(point.record, 2)) µs, PostgreSQL \(FigureText.fixed(point.postgres, 2)) µs a line
            """)
        return point
    }

    private func cancel(_ follower: BatchFollower) async throws {
        guard try await !follower.client.batch(follower.id).value.isTerminal else { return }
        _ = try await follower.client.cancelBatch(follower.id)
        _ = try await BatchFollower(
            client: follower.client, id: follower.id, pollEvery: Self.pollEvery, deadline: .now + limit
        ).ended()
    }

    /// One worker does the sample and ends.
    private func measure(
        _ waiting: Int, _ sample: Int, _ finished: Int, _ follower: BatchFollower, _ fleet: BenchFleet
    ) async throws -> Point {
        let start = try await follower.client.batch(follower.id).value.counts.completed
        let target = min(start + Int64(sample), start + Int64(waiting))
        let cpu = fleet.processes.cpu.postgres
        try await fleet.startWorker()
        _ = try await follower.until { $0.counts.completed >= target || $0.isTerminal }
        let account = try await fleet.stopWorker()
        let lines = Double(max(account.calls, 1))
        // It claims ahead of what it does.
        let claimed = Double(max(account.shardsClaimed, 1) * Self.shardLines)
        return Point(
            waiting: waiting, finished: finished, lines: account.calls,
            claim: account.claimSeconds * 1_000_000 / claimed, record: account.recordSeconds * 1_000_000 / lines,
            postgres: (fleet.processes.cpu.postgres - cpu) * 1_000_000 / lines)
    }

    /// Sends a batch in and waits until its lines are open to workers, of which there are none.
    private func waitingBatch(_ lines: Int, _ client: Client, _ fleet: BenchFleet) async throws -> BatchFollower {
        BenchRun.say("sending \(FigureText.count(lines)) lines")
        let input = try BenchInput(
            lines: lines, lineBytes: Self.lineBytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        let path = fleet.directory.input
        try await BlockingWork.run { try input.write(to: path) }
        let file = try await client.uploadFile(try LocalFile(path: path)).value
        let batch = try await client.createBatch(
            BatchOrder(inputFileID: file.id, endpoint: input.endpoint, window: "24h")
        ).value
        let follower = BatchFollower(
            client: client, id: batch.id, pollEvery: Self.pollEvery, deadline: .now + limit)
        _ = try await follower.until { $0.progressRank >= 1 }
        return follower
    }

    /// Finishes that many batches of one line.
    private func finish(_ count: Int, _ client: Client, _ fleet: BenchFleet) async throws {
        let input = try BenchInput(
            lines: 1, lineBytes: Self.lineBytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
        let path = fleet.directory.input
        try await BlockingWork.run { try input.write(to: path) }
        let file = try await client.uploadFile(try LocalFile(path: path)).value.id
        try await fleet.startWorker()
        let (limit, endpoint) = (limit, input.endpoint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for creator in 0..<Self.creators {
                group.addTask {
                    for _ in stride(from: creator, to: count, by: Self.creators) {
                        let batch = try await client.createBatch(
                            BatchOrder(inputFileID: file, endpoint: endpoint, window: "24h")
                        ).value
                        _ = try await BatchFollower(
                            client: client, id: batch.id, pollEvery: Self.pollEvery, deadline: .now + limit
                        ).until { $0.isTerminal }
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try await fleet.stopWorker()
    }
}

extension BatchFollower {
    /// Waits until the batch has ended, in whatever way, and returns it.
    func ended() async throws -> WireBatch {
        while true {
            let batch = try await client.batch(id).value
            if batch.isTerminal { return batch }
            guard ContinuousClock.now < deadline else {
                throw BenchFault("\(id) is still \(batch.status) at the end of --limit; raise it")
            }
            try await Task.sleep(for: pollEvery)
        }
    }
}
