// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench calls`.
struct CallsReport: Sendable {
    /// What the batches consisted of.
    let input: BenchInput
    /// Calls in flight at most.
    let concurrency: Int
    /// The machine.
    let machine: (before: MachineState, after: MachineState)
    /// At least one.
    let rounds: [CallsBench.Round]

    /// The report.
    var report: BenchReport {
        let ratios = rounds.map { $0.bare / $0.batch }
        let text =
            """
            \(FigureText.count(input.lines)) lines of \(FigureText.count(input.bytes / input.lines)) bytes, \
            \(FigureText.count(concurrency)) connections, a backend without latency (nginx, one process); \
            every line has one result, in order

            """ + surroundings.text + "\nProcessor seconds are per 10,000 lines or requests.\n\n" + table.text
            + "\nmedian: \(FigureText.fixed(Self.median(ratios), 2)) of the bare loop's rate, "
            + "\(FigureText.fixed(Self.median(rounds.map(ours)), 3)) processor seconds per 10,000 lines\n"
        return BenchReport(text: text, json: json(ratios))
    }

    private var surroundings: BenchSurroundings {
        BenchSurroundings(before: machine.before, after: machine.after, othersCores: nil)
    }

    private var table: TextTable {
        var table = TextTable([
            "BARE/s", "CPU", "BATCH/s", "OF BARE", "WORKER", "claim", "record", "COORDINATOR", "POSTGRESQL",
            "TOGETHER", "BACKEND",
        ])
        for round in rounds {
            table.add(
                [
                    FigureText.rate(input.lines, in: round.bare), figure(round.bareCPU),
                    FigureText.rate(input.lines, in: round.batch), FigureText.fixed(round.bare / round.batch, 2),
                ]
                    + [
                        round.cpu.worker, round.account.claimCPUSeconds, round.account.recordCPUSeconds,
                        round.cpu.coordinator, round.cpu.postgres,
                    ].map(figure) + [FigureText.fixed(ours(round), 3), figure(round.backendCPU)])
        }
        return table
    }

    /// Worker, coordinator and PostgreSQL together, per 10,000 lines.
    private func ours(_ round: CallsBench.Round) -> Double {
        (round.cpu.worker + round.cpu.coordinator + round.cpu.postgres) * 10_000 / Double(input.lines)
    }

    private func figure(_ seconds: Double) -> String {
        FigureText.fixed(seconds * 10_000 / Double(input.lines), 3)
    }

    /// The middle one; of an even number, the lower of the two in the middle.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[(sorted.count - 1) / 2]
    }

    private func json(_ ratios: [Double]) -> JSONValue {
        .object(
            [
                .init("bench", .string("calls")), .init("lines", .integer(Int64(input.lines))),
                .init("concurrency", .integer(Int64(concurrency))),
                .init("median_ratio_to_bare_loop", .number(Self.median(ratios))),
                .init("median_cpu_seconds_per_10000_lines", .number(Self.median(rounds.map(ours)))),
            ] + surroundings.members + [
                .init(
                    "rounds",
                    .array(
                        rounds.map { round in
                            .object([
                                .init("bare_seconds", .number(round.bare.inSeconds)),
                                .init("batch_seconds", .number(round.batch.inSeconds)),
                                .init("worker_cpu_seconds", .number(round.cpu.worker)),
                                .init("coordinator_cpu_seconds", .number(round.cpu.coordinator)),
                                .init("postgresql_cpu_seconds", .number(round.cpu.postgres)),
                                .init("backend_cpu_seconds", .number(round.backendCPU)),
                            ])
                        }))
            ])
    }
}
