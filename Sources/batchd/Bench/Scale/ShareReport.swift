// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench share`.
struct ShareReport: Sendable {
    /// What was asked for.
    let bench: ShareBench
    /// The batches.
    let runs: [ShareBench.Run]
    /// The machine.
    let surroundings: BenchSurroundings

    private var fractions: [Double] { runs.map { bench.ideal.inSeconds / max($0.wall.inSeconds, 0.001) } }

    /// The report; good when no line was lost and no cap passed.
    var report: BenchReport {
        var table = TextTable(
            ["RUN", "WALL s", "OF IDEAL", "PEAK", "REFUSED", "LOST", "CALLS BY WORKER"], words: [0, 6])
        for (index, run) in runs.enumerated() {
            table.add([
                String(index + 1), FigureText.fixed(run.wall.inSeconds, 2), FigureText.fixed(fractions[index], 3),
                String(run.peak), String(run.refused), String(run.lost),
                run.calls.map { FigureText.count(Int($0)) }.joined(separator: " "),
            ])
        }
        let text = """
            \(FigureText.count(bench.input.lines)) lines, \(bench.workers) workers that may have \(bench.cap) calls in \
            flight together, \(SettingText.duration(bench.latency)) each; ideally \
            \(FigureText.fixed(bench.ideal.inSeconds, 2)) s
            \(surroundings.text)
            \(table.text)
            median of ideal \(FigureText.fixed(Median.of(fractions), 3))

            """
        let isGood = runs.allSatisfy { $0.lost == 0 && $0.peak <= Int64(bench.cap) }
        return BenchReport(text: text, json: json, isGood: isGood)
    }

    private var json: JSONValue {
        let list = runs.map { run in
            JSONValue.object([
                .init("wall_seconds", .number(run.wall.inSeconds)), .init("refused", .integer(run.refused)),
                .init("peak_in_flight", .integer(run.peak)), .init("lost", .integer(run.lost)),
                .init("calls_by_worker", .array(run.calls.map { .integer($0) })),
            ])
        }
        return .object(
            [
                .init("bench", .string("share")), .init("lines", .integer(Int64(bench.input.lines))),
                .init("workers", .integer(Int64(bench.workers))), .init("cap", .integer(Int64(bench.cap))),
                .init("ideal_seconds", .number(bench.ideal.inSeconds)),
                .init("of_ideal", .number(Median.of(fractions))), .init("runs", .array(list)),
            ] + surroundings.members)
    }
}
