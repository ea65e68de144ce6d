// SPDX-License-Identifier: Apache-2.0
internal import BatchCore
internal import BatchRun

/// What `run` says at its end. Pure.
struct RunText: Sendable {
    /// The input as it was named.
    var input: String
    /// The output, without what may be a permission.
    var output: String
    /// What came of the run.
    var report: RunReport

    /// One sentence.
    var summary: String {
        if report.total == report.earlier {
            return PlainText.safe("\(output) has all \(lines(report.total)) already: nothing was called\(failures)")
        }
        var facts = ["\(Quantities.count(Int64(report.succeeded))) succeeded"]
        if report.failed > 0 { facts.append("\(Quantities.count(Int64(report.failed))) failed") }
        if report.earlier > 0 { facts.append("\(Quantities.count(Int64(report.earlier))) of them earlier") }
        if report.usage.totalTokens > 0 {
            facts.append(
                "\(Quantities.count(report.usage.inputTokens)) tokens in, "
                    + "\(Quantities.count(report.usage.outputTokens)) out")
        }
        let seconds = report.duration / .seconds(1)
        if seconds > 0 { facts.append(Quantities.lineRate(Double(report.total - report.earlier) / seconds)) }
        facts.append(Durations.words(Int64(seconds.rounded())))
        return PlainText.safe("\(output): \(lines(report.total)): \(facts.joined(separator: ", "))")
    }

    /// The same as one object.
    var json: JSONValue {
        .object([
            .init("input", .string(String(input.prefix { $0 != "?" }))), .init("output", .string(output)),
            .init("total", .integer(Int64(report.total))), .init("earlier", .integer(Int64(report.earlier))),
            .init("succeeded", .integer(Int64(report.succeeded))), .init("failed", .integer(Int64(report.failed))),
            .init("calls", .integer(Int64(report.calls))),
            .init(
                "usage",
                .object([
                    .init("input_tokens", .integer(report.usage.inputTokens)),
                    .init("output_tokens", .integer(report.usage.outputTokens)),
                    .init("total_tokens", .integer(report.usage.totalTokens)),
                ])),
            .init("milliseconds", .integer(Int64(report.duration / .milliseconds(1)))),
        ])
    }

    /// What the program exits with.
    static func status(of error: RunError) -> ExitStatus {
        switch error.kind {
        case .refused: .usage
        case .localFile: .localFile
        case .invalid: .problemsFound
        case .unreachable: .unreachable
        case .interrupted: .interrupted
        }
    }

    /// What to do next, to follow the error's message.
    static func advice(for error: RunError) -> String {
        switch error.kind {
        case .interrupted: "; the same command with --resume goes on from here"
        case .unreachable:
            error.message.contains("--resume") ? "" : "; the same command with --resume goes on from here"
        default: ""
        }
    }

    private var failures: String {
        report.failed > 0 ? " (\(Quantities.count(Int64(report.failed))) failed, and stay so)" : ""
    }

    private func lines(_ count: Int) -> String { Quantities.count(Int64(count), "line") }
}
