// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// Kills processes of a fleet at chosen moments and checks that every batch is completed nevertheless.
struct KillBench: Sendable {
    /// The processes.
    let fleet: BenchFleet
    /// What each batch consists of.
    let input: BenchInput
    /// Longest time for one batch.
    let limit: Duration

    /// Times a moment may be missed, because a stage was over sooner than expected.
    private static let attemptsMax = 5
    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(10)

    /// The undisturbed batch: what the others are compared with.
    private struct Reference {
        /// The uploaded file.
        let fileID: String
        /// What each stage took.
        let stages: [StageFigures]

        func wall(_ stage: BenchStage) -> Duration {
            stages.first { $0.stage == stage }?.wall ?? .zero
        }
    }

    /// Runs all of it.
    func run() async throws -> BenchReport {
        BenchRun.say("writing \(FigureText.mebibytes(Int64(input.bytes))) of input")
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let before = MachineState.current
        var client = try await fleet.startCoordinator()
        try await fleet.startWorker()
        BenchRun.say("a batch that nothing happens to")
        let figures = try await BatchPassage(
            client: client, input: input, directory: fleet.directory, processes: fleet.processes,
            pollEvery: Self.pollEvery, deadline: .now + limit
        ).run()
        let reference = Reference(fileID: figures.fileID, stages: figures.stages)
        var outcomes: [KillOutcome] = []
        outcomes.append(try await hit("the worker in mid-batch") { try await killWorker(client, reference) })
        for (stage, name) in [(BenchStage.split, "split"), (.finalize, "finalize")] {
            // Half of the stage; when it was missed, ever sooner.
            var wait = reference.wall(stage) * 0.5
            outcomes.append(
                try await hit("the coordinator during \(name)") {
                    defer { wait = wait * 0.5 }
                    return try await killCoordinator(&client, reference, stage, after: wait)
                })
        }
        let surroundings = BenchSurroundings(before: before, after: .current, othersCores: nil)
        return KillReport(input: input, outcomes: outcomes, surroundings: surroundings).report
    }

    /// Tries until the moment was hit.
    private func hit(_ what: String, _ attempt: () async throws -> KillOutcome?) async throws -> KillOutcome {
        for _ in 1...Self.attemptsMax {
            BenchRun.say("killing \(what)")
            if let outcome = try await attempt() { return outcome }
            BenchRun.say("it came too late; once more")
        }
        throw BenchFault("\(what) could not be killed in time in \(Self.attemptsMax) attempts: give it more --lines")
    }

    private func create(_ client: Client, _ reference: Reference) async throws -> BatchFollower {
        let order = BatchOrder(inputFileID: reference.fileID, endpoint: input.endpoint, window: "24h")
        let batch = try await client.createBatch(order).value
        return follower(client, batch.id)
    }

    private func follower(_ client: Client, _ id: String) -> BatchFollower {
        BatchFollower(client: client, id: id, pollEvery: Self.pollEvery, deadline: .now + limit)
    }

    /// Follows a batch to its end and checks its results.
    private func complete(_ follower: BatchFollower) async throws -> ContinuousClock.Instant {
        let ended = try await follower.until { $0.isTerminal }
        let time = ContinuousClock.now
        try await BatchPassage.verify(ended, lines: input.lines, from: follower.client, in: fleet.directory)
        return time
    }
}

extension KillBench {
    /// Kills the worker when a third of the lines is recorded; nil when it had done everything by then.
    private func killWorker(_ client: Client, _ reference: Reference) async throws -> KillOutcome? {
        let follower = try await create(client, reference)
        _ = try await follower.until { $0.progressRank >= 1 }
        let began = ContinuousClock.now
        let third = Int64(input.lines / 3)
        _ = try await follower.until { $0.progressRank > 1 || $0.counts.completed >= third }
        try await fleet.killWorker()
        let killed = ContinuousClock.now
        let then = try await follower.client.batch(follower.id).value
        try await fleet.startWorker()
        let back = ContinuousClock.now
        let ended = try await complete(follower)
        guard then.progressRank == 1, then.counts.completed < Int64(input.lines) else { return nil }
        let account = try await fleet.stopWorker()
        try await fleet.startWorker()
        return KillOutcome(
            victim: "worker", status: then.status, intoStage: killed - began, undisturbed: reference.wall(.run),
            linesDone: then.counts.completed, backAfter: back - killed, completedAfter: ended - killed,
            callsAfter: account.calls)
    }

    /// Kills the coordinator `wait` after the beginning of `stage`; nil when the stage was over by then.
    private func killCoordinator(
        _ client: inout Client, _ reference: Reference, _ stage: BenchStage, after wait: Duration
    ) async throws -> KillOutcome? {
        let rank = stage == .split ? 0 : 2
        let first = try await create(client, reference)
        _ = try await first.until { $0.progressRank >= rank }
        let began = ContinuousClock.now
        try await Task.sleep(for: wait)
        try await fleet.killCoordinator()
        let killed = ContinuousClock.now
        client = try await fleet.startCoordinator()
        let back = ContinuousClock.now
        // The next coordinator has to wait for the dead one's lease: what it shows is what the dead one left.
        let then = try await client.batch(first.id).value
        let ended = try await complete(follower(client, first.id))
        guard then.progressRank == rank else { return nil }
        return KillOutcome(
            victim: "coordinator", status: then.status, intoStage: killed - began, undisturbed: reference.wall(stage),
            linesDone: then.counts.completed, backAfter: back - killed, completedAfter: ended - killed)
    }
}
