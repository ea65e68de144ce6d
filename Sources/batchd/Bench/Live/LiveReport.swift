// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// The figures of `batchd bench live`.
struct LiveReport: Sendable {
    /// What was asked for.
    let bench: LiveBench
    /// The parts that were run.
    var held: HeldPart.Outcome?
    var added: AddedLatencyPart.Outcome?
    var restart: RestartPart.Outcome?

    /// The report; good when every request was answered, and none called twice.
    func made(_ surroundings: BenchSurroundings) -> BenchReport {
        let texts = [surroundings.text, held.map(text), added.map(text), restart.map(text)].compactMap { $0 }
        var members: [JSONValue.Member] = [.init("bench", .string("live"))]
        if let held { members.append(.init("held", json(held))) }
        if let added { members.append(.init("latency", json(added))) }
        if let restart { members.append(.init("restart", json(restart))) }
        let isGood =
            (held.map { $0.figures.answered == $0.requests } ?? true)
            && (restart.map { $0.figures.answered == $0.requests && $0.calledTwice == 0 } ?? true)
        return BenchReport(
            text: texts.joined(separator: "\n"), json: .object(members + surroundings.members), isGood: isGood)
    }

    private func text(_ held: HeldPart.Outcome) -> String {
        var table = TextTable(["HELD", ""])
        let figures = held.figures
        table.add(["callers, requests", "\(FigureText.count(bench.callers)), \(FigureText.count(held.requests))"])
        table.add(["answered", FigureText.count(figures.answered)])
        table.add(["failed, by status", Self.counts(figures.failures)])
        table.add(["sent again, by status", Self.counts(figures.retries)])
        table.add(["seconds", FigureText.fixed(held.duration.inSeconds, 1)])
        table.add(["answers/s", FigureText.rate(figures.answered, in: held.duration)])
        table.add(["backend busy", FigureText.fixed(held.busy, 3)])
        table.add(["  over seconds", FigureText.fixed(held.steady.inSeconds, 1)])
        table.add(["coordinator peak RSS", FigureText.mebibytes(held.peaks["coordinator"] ?? 0)])
        table.add(["worker peak RSS", FigureText.mebibytes(held.peaks["worker"] ?? 0)])
        for (name, seconds) in Self.cpu(held) {
            table.add(["\(name) CPU s/10,000", FigureText.fixed(seconds * 10_000 / Double(held.requests), 2)])
        }
        return table.text
    }

    private func text(_ added: AddedLatencyPart.Outcome) -> String {
        var table = TextTable(["ONE AT A TIME, ms", "MEDIAN", "ADDED", "p99", "ADDED"])
        for (name, way) in [("direct", added.direct), ("durable", added.durable), ("in memory", added.inMemory)] {
            func pair(_ share: Double) -> [String] {
                let (own, base) = (way.quantile(share), added.direct.quantile(share))
                return [FigureText.fixed(own.inSeconds * 1e3, 1), FigureText.fixed((own - base).inSeconds * 1e3, 1)]
            }
            table.add([name] + pair(0.5) + pair(0.99))
        }
        return table.text
    }

    private func text(_ restart: RestartPart.Outcome) -> String {
        var table = TextTable(["COORDINATOR KILLED", ""])
        table.add([
            "callers, requests", "\(FigureText.count(bench.restartCallers)), \(FigureText.count(restart.requests))",
        ])
        table.add(["answered before, in flight then", "\(restart.answeredBefore), \(restart.inFlight)"])
        table.add(["answered", FigureText.count(restart.figures.answered)])
        table.add(["failed, by status", Self.counts(restart.figures.failures)])
        table.add(["sent again, by status", Self.counts(restart.figures.retries)])
        table.add(["called more than once", FigureText.count(restart.calledTwice)])
        table.add(["never called", FigureText.count(restart.neverCalled)])
        table.add(["seconds", FigureText.fixed(restart.duration.inSeconds, 1)])
        return table.text
    }

    /// `3 (429), 1 (no answer)`.
    private static func counts(_ counts: [Int: Int]) -> String {
        guard !counts.isEmpty else { return "0" }
        return counts.sorted { $0.key < $1.key }
            .map { "\(FigureText.count($0.value)) (\($0.key == 0 ? "no answer" : String($0.key)))" }
            .joined(separator: ", ")
    }

    private static func cpu(_ held: HeldPart.Outcome) -> [(String, Double)] {
        [
            ("coordinator", held.cpu.coordinator), ("worker", held.cpu.worker), ("postgres", held.cpu.postgres),
            ("client", held.cpu.client),
        ]
    }

    private func json(_ held: HeldPart.Outcome) -> JSONValue {
        .object(
            Self.members(held.figures, requests: held.requests) + [
                .init("callers", .integer(Int64(bench.callers))), .init("seconds", .number(held.duration.inSeconds)),
                .init("busy", .number(held.busy)), .init("steady_seconds", .number(held.steady.inSeconds)),
                .init("peak_bytes", .object(held.peaks.sorted { $0.key < $1.key }.map { .init($0, .integer($1)) })),
                .init("cpu_seconds", .object(Self.cpu(held).map { .init($0, .number($1)) })),
            ])
    }

    private func json(_ added: AddedLatencyPart.Outcome) -> JSONValue {
        func way(_ way: AddedLatencyPart.Way) -> JSONValue {
            .object([
                .init("median_ms", .number(way.quantile(0.5).inSeconds * 1e3)),
                .init("p99_ms", .number(way.quantile(0.99).inSeconds * 1e3)),
            ])
        }
        return .object([
            .init("direct", way(added.direct)), .init("durable", way(added.durable)),
            .init("in_memory", way(added.inMemory)), .init("samples", .integer(Int64(bench.samples))),
        ])
    }

    private func json(_ restart: RestartPart.Outcome) -> JSONValue {
        .object(
            Self.members(restart.figures, requests: restart.requests) + [
                .init("answered_before", .integer(Int64(restart.answeredBefore))),
                .init("in_flight_then", .integer(Int64(restart.inFlight))),
                .init("called_twice", .integer(Int64(restart.calledTwice))),
                .init("never_called", .integer(Int64(restart.neverCalled))),
                .init("seconds", .number(restart.duration.inSeconds)),
            ])
    }

    private static func members(_ figures: ChatTally.Figures, requests: Int) -> [JSONValue.Member] {
        func object(_ counts: [Int: Int]) -> JSONValue {
            .object(counts.sorted { $0.key < $1.key }.map { .init(String($0.key), .integer(Int64($0.value))) })
        }
        return [
            .init("requests", .integer(Int64(requests))), .init("answered", .integer(Int64(figures.answered))),
            .init("failures", object(figures.failures)), .init("retries", object(figures.retries)),
        ]
    }
}
