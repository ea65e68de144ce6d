// SPDX-License-Identifier: Apache-2.0

/// Keeps thousands of slow calls in flight in one worker and looks at its memory and at the rate.
struct InFlightBench: Sendable {
    /// What the batch consists of.
    let input: BenchInput
    /// Calls in flight.
    let calls: Int
    /// What the backend takes for an answer.
    let latency: ClosedRange<Duration>
    /// How many batches, each with a fresh worker.
    let count: Int
    /// Longest time for one batch.
    let limit: Duration

    /// Time between two looks at the batch.
    private static let pollEvery = Duration.milliseconds(100)
    /// Time between two looks at the backend.
    private static let sampleEvery = Duration.milliseconds(250)

    /// One batch.
    struct Run: Hashable, Sendable {
        /// Answers per second, while the worker had as much to do as it could hold.
        var rate: Double
        /// How long that was.
        var steady: Duration
        /// Calls in flight meanwhile, on average.
        var inFlight: Double
        /// Most of them.
        var peak: Int64
        /// Largest resident set of the worker, in bytes.
        var workerBytes: Int64
        /// Processor seconds of the worker for 10,000 lines.
        var workerCPU: Double
        /// Lines without a successful answer.
        var lost: Int64
    }

    /// What the backend looked like at one moment.
    private struct Sample: Sendable {
        var at: ContinuousClock.Instant
        var counters: BackendCounters
    }

    /// Answers per second that so many calls make when none of them has to wait.
    var idealRate: Double { Double(calls) / ((latency.lowerBound + latency.upperBound) * 0.5).inSeconds }

    /// Runs all batches in a fleet that has nothing started yet but the backend.
    func run(in fleet: BenchFleet, backend: BenchBackend) async throws -> BenchReport {
        let before = MachineState.current
        let (path, input) = (fleet.directory.input, input)
        try await BlockingWork.run { try input.write(to: path) }
        let client = try await fleet.startCoordinator()
        var runs: [Run] = []
        for number in 1...count {
            try await fleet.startWorker()
            BenchRun.say("batch \(number) of \(count)")
            let peaks = MemoryPeaks()
            let start = try await backend.counters()
            let passage = BatchPassage(
                client: client, input: input, directory: fleet.directory, processes: fleet.processes,
                pollEvery: Self.pollEvery, deadline: .now + limit)
            let (figures, samples) = try await sampled(backend, peaks, fleet) { try await passage.run() }
            peaks.look(at: fleet.processes)
            let cpu = figures.stages.first { $0.stage == .run }?.cpu.worker ?? 0
            var run = steady(samples, since: start)
            run.peak = samples.map(\.counters.in_flight).max() ?? 0
            run.workerBytes = peaks.bytes["worker"] ?? 0
            run.workerCPU = cpu * 10_000 / Double(input.lines)
            run.lost = figures.failed
            BenchRun.say(
                """
                \(FigureText.fixed(run.rate, 0)) answers/s of \(FigureText.fixed(idealRate, 0)), \
                \(FigureText.fixed(run.inFlight, 0)) in flight, worker \(FigureText.mebibytes(run.workerBytes))
                """)
            runs.append(run)
            _ = try await fleet.stopWorker()
        }
        return InFlightReport(
            bench: self, runs: runs, surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
        ).report
    }

    /// Runs a batch while somebody looks at backend and memory.
    private func sampled(
        _ backend: BenchBackend, _ peaks: MemoryPeaks, _ fleet: BenchFleet,
        _ body: @escaping @Sendable () async throws -> BatchPassage.Figures
    ) async throws -> (BatchPassage.Figures, [Sample]) {
        try await withThrowingTaskGroup(of: BatchPassage.Figures.self) { group in
            group.addTask { try await body() }
            async let samples = sample(backend, peaks, fleet, lines: Int64(input.lines))
            guard let figures = try await group.next() else { throw BenchFault("the batch has no figures") }
            return (figures, try await samples)
        }
    }

    /// Looks again and again until every line has been called.
    private func sample(
        _ backend: BenchBackend, _ peaks: MemoryPeaks, _ fleet: BenchFleet, lines: Int64
    ) async throws -> [Sample] {
        var samples: [Sample] = []
        let first = try await backend.counters()
        while true {
            let counters = try await backend.counters()
            samples.append(Sample(at: .now, counters: counters))
            peaks.look(at: fleet.processes)
            if counters.answered - first.answered >= lines { return samples }
            try await Task.sleep(for: Self.sampleEvery)
        }
    }

    /// The time from the moment when the calls are in flight for the first time, plus the longest latency, until the
    /// last call begins: only then do beginnings and answers depend on the worker alone.
    private func steady(_ samples: [Sample], since start: BackendCounters) -> Run {
        var run = Run(rate: 0, steady: .zero, inFlight: 0, peak: 0, workerBytes: 0, workerCPU: 0, lost: 0)
        let full = Int64(Double(calls) * 0.97)
        guard let begin = samples.first(where: { $0.counters.in_flight >= full }) else { return run }
        let last = samples.last { $0.counters.calls - start.calls < Int64(input.lines) }
        let steady = samples.filter { $0.at >= begin.at + latency.upperBound && $0.at <= last?.at ?? begin.at }
        guard let first = steady.first, let last = steady.last, first.at < last.at else { return run }
        run.steady = last.at - first.at
        run.rate = Double(last.counters.answered - first.counters.answered) / run.steady.inSeconds
        run.inFlight = Double(steady.reduce(0) { $0 + $1.counters.in_flight }) / Double(steady.count)
        return run
    }
}
