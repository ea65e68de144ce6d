// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench lines`.
struct LinesReport: Sendable {
    /// One batch and the worker that ran it.
    struct Run: Sendable {
        /// The stages in order.
        var stages: [StageFigures]
        /// Where the worker's time went.
        var account: WorkerAccount
        /// Lines that failed.
        var failed: Int64

        /// All stages together.
        var wall: Duration { stages.reduce(.zero) { $0 + $1.wall } }
        /// All stages together.
        var cpu: CPUReading { stages.reduce(CPUReading()) { $0 + $1.cpu } }
    }

    /// What the batches consisted of.
    let input: BenchInput
    /// What made the answers: a backend's URL or the built-in model.
    let model: String
    /// Calls in flight at most.
    let concurrency: Int
    /// The machine.
    let machine: (before: MachineState, after: MachineState)
    /// At least one.
    let runs: [Run]

    /// The run whose wall time is in the middle; of two, the faster.
    var median: Run? {
        let sorted = runs.sorted { $0.wall < $1.wall }
        return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }

    /// The report; empty when nothing was run.
    var report: BenchReport {
        guard let median else { return BenchReport(text: "", json: .object([])) }
        let title = """
            \(FigureText.count(input.lines)) lines of \(FigureText.count(input.bytes / input.lines)) bytes, \(model), \
            \(FigureText.count(concurrency)) calls at once; every line has one result, in order

            """
        let several =
            runs.count == 1
            ? ""
            : "median of \(runs.count) runs: "
                + runs.map { FigureText.fixed($0.wall.inSeconds, 2) + " s" }.joined(separator: ", ") + "\n"
        let surroundings = surroundings(median)
        let text =
            title + surroundings.text + several + "\nProcessor seconds are per 10,000 lines.\n\n" + stages(median)
            + "\nThe worker's own clock: calls overlap, statements may.\n"
            + "WORKER is its processor seconds per 10,000 lines.\n\n"
            + parts(median)
        return BenchReport(text: text, json: json(surroundings))
    }

    private func surroundings(_ run: Run) -> BenchSurroundings {
        let others = (run.cpu.machine - run.cpu.ours) / max(run.wall.inSeconds, 0.001)
        return BenchSurroundings(before: machine.before, after: machine.after, othersCores: max(others, 0))
    }

    private func stages(_ run: Run) -> String {
        var table = TextTable([
            "STAGE", "WALL s", "LINES/s", "COORDINATOR", "WORKER", "POSTGRESQL", "CLIENT", "TOGETHER",
        ])
        for stage in run.stages { table.add(row(stage.stage.rawValue, stage.wall, stage.cpu)) }
        table.add(row("all", run.wall, run.cpu))
        return table.text
    }

    private func row(_ name: String, _ wall: Duration, _ cpu: CPUReading) -> [String] {
        let perTenThousand = [cpu.coordinator, cpu.worker, cpu.postgres, cpu.client, cpu.ours]
            .map { FigureText.fixed($0 * 10_000 / Double(input.lines), 3) }
        return [name, FigureText.fixed(wall.inSeconds, 2), FigureText.rate(input.lines, in: wall)] + perTenThousand
    }

    private func parts(_ run: Run) -> String {
        let wall = run.stages.first { $0.stage == .run }?.wall ?? run.wall
        let account = run.account
        let cpu = callCPU(run)
        var table = TextTable(["PART", "SECONDS", "OF RUN", "WORKER", "HOW OFTEN"], words: [0, 4])
        for (name, seconds, cpu, count, unit) in [
            ("claim", account.claimSeconds, account.claimCPUSeconds, account.shardsClaimed, "shards"),
            ("call", account.callSeconds, cpu, account.calls, "calls"),
            ("record", account.recordSeconds, account.recordCPUSeconds, account.checkpoints, "checkpoints"),
        ] {
            let share = wall > .zero ? FigureText.fixed(seconds / wall.inSeconds * 100, 0) + " %" : "-"
            let perTenThousand = FigureText.fixed(cpu * 10_000 / Double(input.lines), 3)
            table.add([
                name, FigureText.fixed(seconds, 2), share, perTenThousand, "\(FigureText.count(Int(count))) \(unit)",
            ])
        }
        return table.text
    }

    /// Processor seconds of the worker that went neither into claiming nor into recording.
    private func callCPU(_ run: Run) -> Double {
        let worker = run.stages.first { $0.stage == .run }?.cpu.worker ?? run.cpu.worker
        return max(worker - run.account.claimCPUSeconds - run.account.recordCPUSeconds, 0)
    }
}

// For programs.
extension LinesReport {
    private func json(_ surroundings: BenchSurroundings) -> JSONValue {
        .object(
            [
                .init("bench", .string("lines")), .init("lines", .integer(Int64(input.lines))),
                .init("bytes", .integer(Int64(input.bytes))), .init("model", .string(model)),
                .init("concurrency", .integer(Int64(concurrency))),
            ] + surroundings.members + [.init("runs", .array(runs.map(json)))])
    }

    private func json(_ run: Run) -> JSONValue {
        let stages = run.stages.map { stage in
            JSONValue.object([
                .init("stage", .string(stage.stage.rawValue)), .init("wall_seconds", .number(stage.wall.inSeconds)),
                .init("coordinator_cpu_seconds", .number(stage.cpu.coordinator)),
                .init("worker_cpu_seconds", .number(stage.cpu.worker)),
                .init("postgresql_cpu_seconds", .number(stage.cpu.postgres)),
                .init("client_cpu_seconds", .number(stage.cpu.client)),
            ])
        }
        let account = run.account
        return .object([
            .init("wall_seconds", .number(run.wall.inSeconds)), .init("failed_lines", .integer(run.failed)),
            .init("stages", .array(stages)),
            .init(
                "worker",
                .object([
                    .init("shards_claimed", .integer(account.shardsClaimed)),
                    .init("claim_seconds", .number(account.claimSeconds)),
                    .init("calls", .integer(account.calls)), .init("call_seconds", .number(account.callSeconds)),
                    .init("checkpoints", .integer(account.checkpoints)),
                    .init("record_seconds", .number(account.recordSeconds)),
                    .init("claim_cpu_seconds", .number(account.claimCPUSeconds)),
                    .init("call_cpu_seconds", .number(callCPU(run))),
                    .init("record_cpu_seconds", .number(account.recordCPUSeconds)),
                ])),
        ])
    }
}
