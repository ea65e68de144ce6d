// SPDX-License-Identifier: Apache-2.0
internal import BatchClient
internal import BatchCore

/// What `chat-load` says at its end. Pure.
struct ChatLoadText: Sendable {
    /// What was asked for.
    var plan: ChatPlan
    /// What came of it.
    var figures: ChatTally.Figures
    /// How long it took.
    var duration: Duration

    /// The summary, line by line.
    var lines: [String] {
        let latencies = figures.latencies
        let facts: [(String, String?)] = [
            ("requests", "\(Quantities.count(Int64(plan.requests))), of \(callers)"),
            ("answered", Quantities.count(Int64(figures.answered))),
            ("failed", counts(figures.failures)),
            ("given up", figures.interrupted > 0 ? Quantities.count(Int64(figures.interrupted)) : nil),
            ("not sent", notSent > 0 ? Quantities.count(Int64(notSent)) : nil),
            ("sent again", figures.retried > 0 ? counts(figures.retries) : nil),
            ("took", Self.time(duration)),
            ("answers/s", answersPerSecond.map { Self.decimal($0) }),
            (
                "latency",
                latencies.count == 0
                    ? nil
                    : "median \(Self.time(latencies.quantile(0.5))), 90% \(Self.time(latencies.quantile(0.9))), "
                        + "99% \(Self.time(latencies.quantile(0.99))), longest \(Self.time(latencies.longest))"
            ),
        ]
        return Facts.lines(facts) + figures.messages.map { "  " + PlainText.safe("first failures: \($0)") }
    }

    /// The same as one object.
    var json: JSONValue {
        func milliseconds(_ duration: Duration) -> JSONValue { .integer(Int64(duration / .milliseconds(1))) }
        func object(_ counts: [Int: Int]) -> JSONValue {
            .object(counts.sorted { $0.key < $1.key }.map { .init(Self.name($0.key), .integer(Int64($0.value))) })
        }
        return .object([
            .init("requests", .integer(Int64(plan.requests))), .init("callers", .integer(Int64(plan.callers))),
            .init("answered", .integer(Int64(figures.answered))), .init("failed", .integer(Int64(figures.failed))),
            .init("failed_by_status", object(figures.failures)),
            .init("given_up", .integer(Int64(figures.interrupted))), .init("not_sent", .integer(Int64(notSent))),
            .init("sent_again_by_status", object(figures.retries)), .init("milliseconds", milliseconds(duration)),
            .init(
                "latency_milliseconds",
                .object([
                    .init("median", milliseconds(figures.latencies.quantile(0.5))),
                    .init("p90", milliseconds(figures.latencies.quantile(0.9))),
                    .init("p99", milliseconds(figures.latencies.quantile(0.99))),
                    .init("longest", milliseconds(figures.latencies.longest)),
                ])),
        ])
    }

    private var callers: String {
        "\(Quantities.count(Int64(plan.callers), "caller")) with \(Quantities.count(Int64(plan.tasks))) each"
    }

    /// Requests that nobody got to.
    private var notSent: Int { plan.requests - figures.answered - figures.failed - figures.interrupted }

    private var answersPerSecond: Double? {
        let seconds = duration / .seconds(1)
        return seconds > 0 && figures.answered > 0 ? Double(figures.answered) / seconds : nil
    }

    /// `3 (2 HTTP 429, 1 without an answer)`.
    private func counts(_ counts: [Int: Int]) -> String {
        let total = Quantities.count(Int64(counts.values.reduce(0, +)))
        guard !counts.isEmpty else { return total }
        let parts = counts.sorted { $0.key < $1.key }.map { status, count in
            "\(Quantities.count(Int64(count))) " + (status == 0 ? "without an answer" : "HTTP \(status)")
        }
        return "\(total) (\(parts.joined(separator: ", ")))"
    }

    private static func name(_ status: Int) -> String { status == 0 ? "no_answer" : String(status) }

    /// `0.24 s` below a minute, then in words.
    private static func time(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 60 ? "\(decimal(seconds)) s" : Durations.words(Int64(seconds))
    }

    /// Two places.
    private static func decimal(_ value: Double) -> String {
        let hundredths = Int64(clampedTo: value * 100)
        return "\(Quantities.count(hundredths / 100)).\(Durations.padded(hundredths % 100))"
    }
}
