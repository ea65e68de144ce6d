// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench waiting`.
struct WaitingReport: Sendable {
    /// The measurements.
    let points: [WaitingBench.Point]
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report.
    var report: BenchReport {
        var table = TextTable(
            ["WAITING", "FINISHED BATCHES", "LINES DONE", "CLAIM µs", "RECORD µs", "TOGETHER", "POSTGRESQL CPU µs"],
            words: [])
        for point in points {
            table.add([
                FigureText.count(point.waiting), FigureText.count(point.finished), FigureText.count(Int(point.lines)),
                FigureText.fixed(point.claim, 2), FigureText.fixed(point.record, 2),
                FigureText.fixed(point.claim + point.record, 2), FigureText.fixed(point.postgres, 2),
            ])
        }
        let text = """
            What claiming and recording take for each line, by the worker's clock, and PostgreSQL's processors; \
            built-in model
            \(surroundings.text)
            \(table.text)
            """
        return BenchReport(text: text, json: json)
    }

    private var json: JSONValue {
        let list = points.map { point in
            JSONValue.object([
                .init("waiting", .integer(Int64(point.waiting))), .init("finished", .integer(Int64(point.finished))),
                .init("lines", .integer(point.lines)), .init("claim_microseconds", .number(point.claim)),
                .init("record_microseconds", .number(point.record)),
                .init("postgresql_cpu_microseconds", .number(point.postgres)),
            ])
        }
        return .object([.init("bench", .string("waiting")), .init("points", .array(list))] + surroundings.members)
    }
}
