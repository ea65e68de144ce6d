// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench kill`. A batch that was not completed well has no outcome: it is an error.
struct KillReport: Sendable {
    /// What each batch consisted of.
    let input: BenchInput
    /// One per kill.
    let outcomes: [KillOutcome]
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report.
    var report: BenchReport {
        var table = TextTable(
            [
                "KILLED", "STATUS", "AFTER s", "OF s", "RESULTS THEN", "BACK AFTER s", "COMPLETED AFTER s", "LINES",
                "CALLED AFTER",
            ], words: [0, 1, 7])
        for outcome in outcomes {
            table.add([
                outcome.victim, outcome.status, FigureText.fixed(outcome.intoStage.inSeconds, 2),
                FigureText.fixed(outcome.undisturbed.inSeconds, 2), FigureText.count(Int(outcome.linesDone)),
                FigureText.fixed(outcome.backAfter.inSeconds, 2),
                FigureText.fixed(outcome.completedAfter.inSeconds, 2), "each once",
                outcome.callsAfter.map { FigureText.count(Int($0)) } ?? "",
            ])
        }
        let text = """
            \(FigureText.count(input.lines)) lines per batch, built-in model; SIGKILL, and the next process at once
            \(surroundings.text)
            \(table.text)
            AFTER: since the status began; OF: what it lasted undisturbed; RESULTS THEN: recorded before the kill;
            CALLED AFTER: calls of the next worker. Every batch was completed, with every line once and in order.

            """
        return BenchReport(text: text, json: json)
    }

    private var json: JSONValue {
        let kills = outcomes.map { outcome in
            JSONValue.object([
                .init("killed", .string(outcome.victim)), .init("status", .string(outcome.status)),
                .init("into_stage_seconds", .number(outcome.intoStage.inSeconds)),
                .init("undisturbed_seconds", .number(outcome.undisturbed.inSeconds)),
                .init("results_then", .integer(outcome.linesDone)),
                .init("back_after_seconds", .number(outcome.backAfter.inSeconds)),
                .init("completed_after_seconds", .number(outcome.completedAfter.inSeconds)),
                .init("calls_after", JSONValue(outcome.callsAfter)),
            ])
        }
        return .object(
            [
                .init("bench", .string("kill")), .init("lines", .integer(Int64(input.lines))),
                .init("kills", .array(kills)),
            ] + surroundings.members)
    }
}
