// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// The figures of `batchd bench notify --kills`.
struct NotifyCampaignReport: Sendable {
    /// The campaign.
    let plan: NotifyCampaign.Plan
    /// What became of it.
    let figures: NotifyCampaignFigures
    /// What was found wrong.
    let violations: [String]
    /// How long it took.
    let wall: Duration
    /// The machine.
    let surroundings: BenchSurroundings

    /// The report.
    var report: BenchReport {
        var table = TextTable(["RECEIVER", "ATTEMPTS"])
        for reply in NoticeReply.allCases { table.add([reply.rawValue, FigureText.count(replies(reply))]) }
        let text = """
            \(figures.kills.count) kills of \(plan.coordinators) coordinators in \
            \(FigureText.fixed(wall.inSeconds, 0)) s, --seed \(plan.seed): \
            \(kills(.beforeAttempt)) when a batch ended, \
            \(kills(.duringAttempt)) during an attempt, \(kills(.afterAnswer)) after the answer; \
            \(figures.killsBetweenCommitAndAttempt) of all found an event committed and not told to anybody
            \(surroundings.text)
            \(table.text)
            \(FigureText.count(figures.events.count)) events to \(plan.receivers) receivers: \
            \(FigureText.count(figures.attempts.count)) attempts arrived, lost \(figures.lost), duplicates \
            \(FigureText.count(figures.duplicates)), each with the id and the body of the first
            \(FigureText.count(figures.checked)) batches had ended, with their files, when the first attempt came
            longest time from an event to its first attempt \(FigureText.fixed(figures.longestWait.inSeconds, 1)) s; \
            longest time without an attempt \(FigureText.fixed(figures.longestSilence.inSeconds, 1)) s
            violations: \(violations.count)
            \(violations.map { "  \($0)\n" }.joined())
            """
        return BenchReport(text: text, json: json, isGood: violations.isEmpty)
    }

    private func kills(_ moment: CoordinatorKeeper.Moment) -> Int { figures.kills.count { $0.moment == moment } }

    private func replies(_ reply: NoticeReply) -> Int { figures.attempts.count { $0.reply == reply } }

    private var json: JSONValue {
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return .object(
            [
                .init("bench", .string("notify kills")), .init("seed", .integer(Int64(bitPattern: plan.seed))),
                .init("kills", number(figures.kills.count)), .init("wall_seconds", .number(wall.inSeconds)),
                .init("coordinators", number(plan.coordinators)), .init("receivers", number(plan.receivers)),
                .init(
                    "kills_by_moment",
                    .object(
                        CoordinatorKeeper.Moment.allCases.map { .init($0.rawValue, number(kills($0))) })),
                .init("kills_between_commit_and_attempt", number(figures.killsBetweenCommitAndAttempt)),
                .init("replies", .object(NoticeReply.allCases.map { .init($0.rawValue, number(replies($0))) })),
                .init("events", number(figures.events.count)), .init("attempts", number(figures.attempts.count)),
                .init("lost", number(figures.lost)), .init("duplicates", number(figures.duplicates)),
                .init("checked", number(figures.checked)),
                .init("longest_wait_seconds", .number(figures.longestWait.inSeconds)),
                .init("longest_silence_seconds", .number(figures.longestSilence.inSeconds)),
                .init("violations", .array(violations.map { .string($0) })),
            ] + surroundings.members)
    }
}
