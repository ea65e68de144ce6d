// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench window` for one number of slots.
struct WindowReport: Sendable {
    /// What each batch consisted of.
    let input: BenchInput
    /// Calls that the backend answered at the same time.
    let slots: Int
    /// What it took for an answer.
    let latency: Duration
    /// The shortest time that it allowed.
    let ideal: Duration
    /// The batches.
    let runs: [WindowBench.Run]
    /// The machine.
    let surroundings: BenchSurroundings

    private var lines: Double { Double(input.lines) }
    /// Share of the ideal in each batch.
    private var fractions: [Double] { runs.map { ideal.inSeconds / max($0.wall.inSeconds, 0.001) } }
    private var requests: [Double] { runs.map { Double($0.requests) / lines } }
    private var lost: Int64 { runs.reduce(0) { $0 + $1.lost } }

    /// One report of several numbers of slots; good when no line was lost.
    static func report(_ parts: [WindowReport], ceiling: Int) -> BenchReport {
        var table = TextTable(
            [
                "SLOTS", "RUNS", "IDEAL s", "MEDIAN s", "OF IDEAL", "WORST", "REQUESTS/LINE", "WORST", "LOST", "PEAK",
                "WORKER CPU s",
            ], words: [])
        for part in parts {
            table.add([
                String(part.slots), String(part.runs.count), FigureText.fixed(part.ideal.inSeconds, 2),
                FigureText.fixed(Median.of(part.runs.map(\.wall.inSeconds)), 2),
                FigureText.fixed(Median.of(part.fractions), 3), FigureText.fixed(part.fractions.min() ?? 0, 3),
                FigureText.fixed(Median.of(part.requests), 3), FigureText.fixed(part.requests.max() ?? 0, 3),
                FigureText.count(Int(part.lost)), String(part.runs.map(\.peak).max() ?? 0),
                FigureText.fixed(Median.of(part.runs.map(\.workerCPU)), 1),
            ])
        }
        guard let first = parts.first else { return BenchReport(text: "", json: .object([])) }
        let text = """
            \(FigureText.count(first.input.lines)) lines, a backend of \(SettingText.duration(first.latency)) that \
            refuses what is beyond its slots; one worker with a ceiling of \(ceiling) calls, fresh for each batch
            \(first.surroundings.text)
            \(table.text)
            OF IDEAL: lines · latency / slots, divided by the time from in_progress to completed.

            """
        let json = JSONValue.object(
            [
                .init("bench", .string("window")), .init("lines", .integer(Int64(first.input.lines))),
                .init("latency_seconds", .number(first.latency.inSeconds)),
                .init("ceiling", .integer(Int64(ceiling))), .init("slots", .array(parts.map(\.json))),
            ] + first.surroundings.members)
        return BenchReport(text: text, json: json, isGood: parts.allSatisfy { $0.lost == 0 })
    }

    private var json: JSONValue {
        .object([
            .init("slots", .integer(Int64(slots))), .init("ideal_seconds", .number(ideal.inSeconds)),
            .init("of_ideal", .number(Median.of(fractions))),
            .init("requests_per_line", .number(Median.of(requests))), .init("lost", .integer(lost)),
            .init(
                "runs",
                .array(
                    runs.map { run in
                        .object([
                            .init("wall_seconds", .number(run.wall.inSeconds)),
                            .init("requests", .integer(run.requests)), .init("refused", .integer(run.refused)),
                            .init("lost", .integer(run.lost)), .init("peak_in_flight", .integer(run.peak)),
                            .init("worker_cpu_seconds", .number(run.workerCPU)),
                        ])
                    })),
        ])
    }
}
