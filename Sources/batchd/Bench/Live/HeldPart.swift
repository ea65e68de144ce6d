// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Synchronization

/// Thousands of callers at once, and a backend that can answer few of them at a time.
struct HeldPart: Sendable {
    /// What it comes to.
    struct Outcome: Sendable {
        /// What the callers met.
        var figures: ChatTally.Figures
        /// Requests sent.
        var requests: Int
        /// From the first request to the last answer.
        var duration: Duration
        /// Calls that the backend had under way on average, while there were enough requests for it, of its slots.
        var busy: Double
        /// How long that was.
        var steady: Duration
        /// Largest resident sets in bytes, by kind of process.
        var peaks: [String: Int64]
        /// Processor seconds meanwhile.
        var cpu: CPUReading
    }

    let bench: LiveBench
    let fleet: BenchFleet
    let backend: BenchBackend

    /// Time between two looks at the backend.
    private static let sampleEvery = Duration.milliseconds(200)
    /// Distinguishes the requests of this part from others.
    private static let tag: UInt32 = 1

    /// Runs it.
    func run() async throws -> Outcome {
        let client = try await fleet.startCoordinator()
        try await fleet.startWorker()
        BenchRun.say("\(bench.callers) callers with \(bench.tasks) requests each")
        let plan = ChatPlan(
            base: LiveBench.base(of: client), apiKey: fleet.apiKey, callers: bench.callers, tasks: bench.tasks,
            timeout: bench.limit)
        let tally = ChatTally()
        let peaks = MemoryPeaks()
        let load = ChatLoad(plan, tally: tally, userAgent: "bench")
        let before = fleet.processes.cpu
        let began = ContinuousClock.now
        let isOver = Atomic(false)
        async let samples = sample(until: { isOver.load(ordering: .relaxed) }, peaks)
        let tasks = bench.tasks
        await load.run { LiveBench.body(tag: Self.tag, number: $0 * tasks + $1) }
        let duration = ContinuousClock.now - began
        isOver.store(true, ordering: .relaxed)
        let cpu = fleet.processes.cpu - before
        let seen = try await samples
        try Task.checkCancellation()
        peaks.look(at: fleet.processes)
        await fleet.stop()
        let (busy, steady) = busy(seen)
        return Outcome(
            figures: tally.figures, requests: plan.requests, duration: duration, busy: busy, steady: steady,
            peaks: peaks.bytes, cpu: cpu)
    }

    private struct Sample: Sendable {
        var at: ContinuousClock.Instant
        var counters: BackendCounters
    }

    private func sample(until isOver: () -> Bool, _ peaks: MemoryPeaks) async throws -> [Sample] {
        var samples: [Sample] = []
        while !isOver() {
            samples.append(Sample(at: .now, counters: try await backend.counters()))
            peaks.look(at: fleet.processes)
            try await Task.sleep(for: Self.sampleEvery)
        }
        return samples
    }

    /// From the first moment with nine slots in ten taken until so few requests are left that they do not fill the
    /// slots any more: answers in that time, each of which took a slot for its latency.
    private func busy(_ samples: [Sample]) -> (share: Double, steady: Duration) {
        let enough = Int64(bench.callers * bench.tasks - bench.slots * 2)
        guard let first = samples.firstIndex(where: { $0.counters.in_flight * 10 >= Int64(bench.slots) * 9 }),
            let base = samples.first?.counters.answered,
            let last = samples.lastIndex(where: { $0.counters.answered - base <= enough }), first < last
        else { return (0, .zero) }
        let steady = samples[last].at - samples[first].at
        let answered = Double(samples[last].counters.answered - samples[first].counters.answered)
        let taken = answered * ((bench.latency.lowerBound + bench.latency.upperBound) * 0.5).inSeconds
        return (taken / (Double(bench.slots) * steady.inSeconds), steady)
    }
}
