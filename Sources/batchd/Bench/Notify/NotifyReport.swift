// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench notify`.
struct NotifyReport: Sendable {
    /// What was measured.
    struct Figures: Sendable {
        /// Without dead receivers.
        var alone: NotifyLatency
        /// All deliveries at once.
        var rate: NotifyRate
        /// Beside dead receivers; nil when that was not measured.
        var dead: (receivers: DeadReceivers, latency: NotifyLatency)?
    }

    /// What was to be measured.
    let bench: NotifyBench
    /// What was measured.
    let figures: Figures
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report.
    var report: BenchReport {
        var table = TextTable(["", "EVENTS", "ENDED WITHIN s", "MEDIAN ms", "P99 ms", "MAX ms", "ARRIVED WITHIN s"])
        func row(_ name: String, _ latency: NotifyLatency) {
            table.add(
                [name, FigureText.count(latency.events), FigureText.fixed(latency.ending.inSeconds, 2)]
                    + [latency.median, latency.ninetyNine, latency.most].map {
                        FigureText.fixed($0.inSeconds * 1_000, 1)
                    } + [FigureText.fixed(latency.arriving.inSeconds, 2)])
        }
        row("one live receiver", figures.alone)
        var further = ""
        if let (dead, latency) = figures.dead {
            row("beside \(FigureText.count(bench.dead)) dead ones", latency)
            further = """
                Dead: \(dead.refusing) refuse the connection, \(dead.silent) never answer; \
                \(FigureText.count(dead.deliveries)) deliveries, \(FigureText.count(dead.attemptsBefore)) attempts \
                before the measurement and \(FigureText.count(dead.attemptsAfter)) after it
                live beside dead to live alone: median × \(ratio(latency.median, figures.alone.median)), \
                p99 × \(ratio(latency.ninetyNine, figures.alone.ninetyNine))

                """
        }
        let text = """
            From the terminal commit (the event's row) to the first attempt's arrival; batches of one line, all \
            waiting for one worker, end `completed`; \(bench.coordinators) coordinators
            \(surroundings.text)
            \(table.text)
            \(further)\(FigureText.count(figures.rate.deliveries)) deliveries to one receiver, all due at once, in \
            \(FigureText.fixed(figures.rate.time.inSeconds, 2)) s: \
            \(FigureText.rate(figures.rate.deliveries, in: figures.rate.time)) a second

            """
        return BenchReport(text: text, json: json)
    }

    private func ratio(_ one: Duration, _ other: Duration) -> String {
        other > .zero ? FigureText.fixed(one.inSeconds / other.inSeconds, 2) : "-"
    }

    private var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("bench", .string("notify")), .init("coordinators", .integer(Int64(bench.coordinators))),
            .init("alone", Self.object(figures.alone)),
            .init("replayed", .integer(Int64(figures.rate.deliveries))),
            .init("replay_seconds", .number(figures.rate.time.inSeconds)),
        ]
        if let (dead, latency) = figures.dead {
            members += [
                .init("dead_receivers", .integer(Int64(bench.dead))),
                .init("dead_deliveries", .integer(Int64(dead.deliveries))),
                .init("dead_attempts_before", .integer(Int64(dead.attemptsBefore))),
                .init("dead_attempts_after", .integer(Int64(dead.attemptsAfter))),
                .init("beside_dead", Self.object(latency)),
            ]
        }
        return .object(members + surroundings.members)
    }

    private static func object(_ latency: NotifyLatency) -> JSONValue {
        .object([
            .init("events", .integer(Int64(latency.events))),
            .init("ended_within_seconds", .number(latency.ending.inSeconds)),
            .init("median_seconds", .number(latency.median.inSeconds)),
            .init("p99_seconds", .number(latency.ninetyNine.inSeconds)),
            .init("max_seconds", .number(latency.most.inSeconds)),
            .init("arrived_within_seconds", .number(latency.arriving.inSeconds)),
        ])
    }
}
