// SPDX-License-Identifier: Apache-2.0
import BatchClient

/// Callers whose coordinator is killed in the middle, and started again at the same address.
struct RestartPart: Sendable {
    /// What it comes to.
    struct Outcome: Sendable {
        /// What the callers met.
        var figures: ChatTally.Figures
        /// Requests sent.
        var requests: Int
        /// Requests that had been answered when the coordinator was killed.
        var answeredBefore: Int
        /// Calls that the backend had under way then.
        var inFlight: Int
        /// From the first request to the last answer.
        var duration: Duration
        /// Requests that the backend was asked more than once.
        var calledTwice: Int
        /// Requests that the backend was never asked.
        var neverCalled: Int
    }

    let bench: LiveBench
    let fleet: BenchFleet
    let backend: BenchBackend

    private static let tag: UInt32 = 9
    private static let lookEvery = Duration.milliseconds(20)

    /// Runs it.
    func run() async throws -> Outcome {
        let client = try await fleet.startCoordinator()
        try await fleet.startWorker()
        let plan = ChatPlan(
            base: LiveBench.base(of: client), apiKey: fleet.apiKey, callers: bench.restartCallers,
            tasks: LiveBench.restartTasks, timeout: bench.limit)
        BenchRun.say("\(plan.callers) callers, and a coordinator that is killed in the middle")
        let tally = ChatTally()
        let load = ChatLoad(plan, tally: tally, userAgent: "bench")
        let began = ContinuousClock.now
        async let killed = kill(when: plan.requests / 3, tally, at: client.address)
        await load.run { LiveBench.body(tag: Self.tag, number: $0 * LiveBench.restartTasks + $1) }
        let duration = ContinuousClock.now - began
        let (answered, inFlight) = try await killed
        try Task.checkCancellation()
        await fleet.stop()
        await backend.process.stop()
        var calls: [UInt32: Int] = [:]
        var reader = CallLogReader(path: fleet.directory.calls)
        for record in try reader.next() where record.marker.tag == Self.tag {
            calls[record.marker.number, default: 0] += 1
        }
        return Outcome(
            figures: tally.figures, requests: plan.requests, answeredBefore: answered, inFlight: inFlight,
            duration: duration, calledTwice: calls.values.count { $0 > 1 }, neverCalled: plan.requests - calls.count)
    }

    /// Kills the coordinator when so many requests are answered, and starts another at its address.
    private func kill(
        when count: Int, _ tally: ChatTally, at address: ServerAddress
    ) async throws -> (answered: Int, inFlight: Int) {
        while tally.figures.answered < count { try await Task.sleep(for: Self.lookEvery) }
        guard let port = address.description.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw BenchFault("the coordinator's address has no port: \(address)")
        }
        let state = (tally.figures.answered, Int(try await backend.counters().in_flight))
        try await fleet.killCoordinator()
        try await fleet.startCoordinator(port: port)
        return state
    }
}
