// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench run`.
struct RunFigures: Sendable {
    /// What was sent.
    let input: BenchInput
    /// How the backend behaved.
    let plan: BackendPlan
    /// Calls in flight at most.
    let concurrency: Int
    /// The clients of each round.
    let rounds: [[ClientRun]]
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report.
    var report: BenchReport {
        var table = TextTable(["CLIENT", "SECONDS", "LINES/s", "OF IDEAL", "CPU µs/LINE", "PEAK"])
        for run in rounds.joined() {
            table.add([
                run.name, FigureText.fixed(run.duration.inSeconds, 2), FigureText.rate(input.lines, in: run.duration),
                ideal.map { FigureText.fixed($0 / run.duration.inSeconds, 3) } ?? "-", FigureText.fixed(cpu(run), 1),
                FigureText.mebibytes(run.peak),
            ])
        }
        let text =
            """
            \(FigureText.count(input.lines)) lines of \(FigureText.count(input.bytes / input.lines)) bytes, \
            \(FigureText.count(concurrency)) calls at once, a backend that takes \
            \(SettingText.duration(plan.latency.lowerBound)) to \(SettingText.duration(plan.latency.upperBound)); \
            whole processes, from start to end

            """ + surroundings.text + "\n" + table.text
        return BenchReport(text: text + comparison, json: json)
    }

    /// Seconds that a client without costs would need; nil without latency.
    private var ideal: Double? {
        let mean = (plan.latency.lowerBound + plan.latency.upperBound).inSeconds / 2
        return mean > 0 ? Double(input.lines) * mean / Double(concurrency) : nil
    }

    private func cpu(_ run: ClientRun) -> Double { run.cpu * 1_000_000 / Double(input.lines) }

    private var comparison: String {
        let pairs = rounds.filter { $0.count == 2 }
        guard !pairs.isEmpty else { return "" }
        let rate = Median.of(pairs.map { $0[1].duration.inSeconds / max($0[0].duration.inSeconds, 0.001) })
        let cpu = Median.of(pairs.map { $0[1].cpu / max($0[0].cpu, 0.001) })
        return "\nmedian: \(FigureText.fixed(rate, 2)) times the other client's rate with "
            + "\(FigureText.fixed(1 / max(cpu, 0.001), 2)) of its processor time\n"
    }

    private var json: JSONValue {
        .object(
            [
                .init("bench", .string("run")), .init("lines", .integer(Int64(input.lines))),
                .init("concurrency", .integer(Int64(concurrency))), .init("ideal_seconds", .number(ideal ?? 0)),
            ] + surroundings.members + [
                .init(
                    "runs",
                    .array(
                        rounds.joined().map { run in
                            .object([
                                .init("client", .string(run.name)), .init("seconds", .number(run.duration.inSeconds)),
                                .init("cpu_seconds", .number(run.cpu)), .init("peak_bytes", .integer(run.peak)),
                            ])
                        }))
            ])
    }
}
