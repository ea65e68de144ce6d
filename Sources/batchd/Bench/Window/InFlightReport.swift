// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench inflight`.
struct InFlightReport: Sendable {
    /// What was asked for.
    let bench: InFlightBench
    /// The batches.
    let runs: [InFlightBench.Run]
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report; good when no line was lost.
    var report: BenchReport {
        let ideal = bench.idealRate
        var table = TextTable(
            ["RUN", "ANSWERS/s", "OF IDEAL", "STEADY s", "IN FLIGHT", "PEAK", "WORKER RSS", "CPU s/10,000", "LOST"],
            words: [0])
        func row(_ name: String, _ run: InFlightBench.Run) -> [String] {
            [
                name, FigureText.fixed(run.rate, 0), FigureText.fixed(run.rate / ideal, 3),
                FigureText.fixed(run.steady.inSeconds, 1), FigureText.fixed(run.inFlight, 0), String(run.peak),
                FigureText.mebibytes(run.workerBytes), FigureText.fixed(run.workerCPU, 2), String(run.lost),
            ]
        }
        for (index, run) in runs.enumerated() { table.add(row(String(index + 1), run)) }
        table.add(row("median", median))
        let text = """
            \(FigureText.count(bench.input.lines)) lines, one worker with \(FigureText.count(bench.calls)) calls in \
            flight of \(SettingText.duration(bench.latency.lowerBound)) to \
            \(SettingText.duration(bench.latency.upperBound)); ideally \(FigureText.fixed(ideal, 0)) answers/s
            \(surroundings.text)
            \(table.text)
            Measured from the longest latency after the first full window until the last call began.

            """
        return BenchReport(text: text, json: json, isGood: runs.allSatisfy { $0.lost == 0 })
    }

    private var median: InFlightBench.Run {
        func middle(_ value: (InFlightBench.Run) -> Double) -> Double { Median.of(runs.map(value)) }
        return InFlightBench.Run(
            rate: middle(\.rate), steady: .seconds(middle(\.steady.inSeconds)), inFlight: middle(\.inFlight),
            peak: Int64(middle { Double($0.peak) }), workerBytes: Int64(middle { Double($0.workerBytes) }),
            workerCPU: middle(\.workerCPU), lost: runs.reduce(0) { $0 + $1.lost })
    }

    private var json: JSONValue {
        let runs = runs.map { run in
            JSONValue.object([
                .init("answers_per_second", .number(run.rate)), .init("of_ideal", .number(run.rate / bench.idealRate)),
                .init("steady_seconds", .number(run.steady.inSeconds)),
                .init("in_flight_mean", .number(run.inFlight)), .init("in_flight_peak", .integer(run.peak)),
                .init("worker_peak_bytes", .integer(run.workerBytes)),
                .init("worker_cpu_seconds_per_10000", .number(run.workerCPU)), .init("lost", .integer(run.lost)),
            ])
        }
        return .object(
            [
                .init("bench", .string("inflight")), .init("lines", .integer(Int64(bench.input.lines))),
                .init("calls", .integer(Int64(bench.calls))), .init("ideal_rate", .number(bench.idealRate)),
                .init("of_ideal", .number(median.rate / bench.idealRate)),
                .init("worker_peak_bytes", .integer(median.workerBytes)), .init("runs", .array(runs)),
            ] + surroundings.members)
    }
}
