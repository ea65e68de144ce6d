// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore

/// What a campaign counted.
struct ChaosFigures: Sendable {
    /// Rounds that came to their end.
    var rounds = 0
    /// Batches that came to theirs.
    var batches = 0
    /// Of these, cancelled ones.
    var cancelled = 0
    /// Lines of these batches.
    var lines = 0
    /// Lines that failed, by code.
    var failed: [String: Int] = [:]
    /// Calls.
    var account = CallAccount()
    /// Starts of processes that had to be repeated because the database went away meanwhile.
    var startsRepeated = 0
    /// Longest time without any progress.
    var longestStall = Duration.zero
    /// The same, only while nothing was out of order.
    var undisturbedStall = Duration.zero

    /// Counts a batch.
    mutating func add(_ ended: ChaosBatch.Ended, _ contents: ChaosResults.Contents) {
        batches += 1
        lines += ended.batch.input.lines
        if ended.watch.last.knownStatus == .cancelled { cancelled += 1 }
        failed.merge(contents.failed) { $0 + $1 }
    }
}

/// The figures of `batchd bench chaos`.
struct ChaosReport: Sendable {
    /// The campaign.
    let plan: ChaosPlan
    /// What was counted.
    let figures: ChaosFigures
    /// What was done, by kind.
    let faults: [ChaosEvent.Kind: Int]
    /// What was found wrong.
    let violations: [String]
    /// How long it took.
    let wall: Duration
    /// The machine.
    let surroundings: BenchSurroundings

    private var kills: Int { faults.filter(\.key.isKill).reduce(0) { $0 + $1.value } }

    /// The report; good when every round came to its end without a violation.
    var report: BenchReport {
        var table = TextTable(["FAULT", "TIMES", "KILL"], words: [0, 2])
        for kind in ChaosEvent.Kind.allCases {
            table.add([kind.rawValue, FigureText.count(faults[kind] ?? 0), kind.isKill ? "yes" : ""])
        }
        let account = figures.account
        let text = """
            seed \(plan.seed): \(FigureText.count(kills)) kills in \(figures.rounds) rounds, \
            \(FigureText.fixed(wall.inSeconds, 0)) s; \(plan.workers) workers of \(plan.concurrency) calls, \
            \(plan.coordinators) coordinators, leases of \(SettingText.duration(plan.lease))
            \(surroundings.text)
            \(table.text)
            \(FigureText.count(figures.batches)) batches (\(figures.cancelled) cancelled) with \
            \(FigureText.count(figures.lines)) lines, each once, in order, with its own bytes
            \(FigureText.count(account.calls)) calls, \(FigureText.count(account.repeated)) repeated, \
            \(FigureText.count(account.repeatedAfterOutage)) of them after an outage of the database only
            in flight or unrecorded when a worker was killed or paused: \(FigureText.count(account.lost)); \
            further ones during outages: \(FigureText.count(account.atRisk))
            longest time without progress \(FigureText.fixed(figures.longestStall.inSeconds, 1)) s, undisturbed \
            \(FigureText.fixed(figures.undisturbedStall.inSeconds, 1)) s; last call after a cancellation \
            \(FigureText.fixed(account.callAfterCancel.inSeconds, 2)) s after it
            starts repeated because the database went away meanwhile: \(figures.startsRepeated)
            violations: \(violations.count)
            \(violations.map { "  \($0)\n" }.joined())
            """
        return BenchReport(text: text, json: json, isGood: violations.isEmpty && figures.rounds == plan.rounds)
    }

    private var json: JSONValue {
        let account = figures.account
        return .object(
            [
                .init("bench", .string("chaos")), .init("seed", .integer(Int64(bitPattern: plan.seed))),
                .init("kills", .integer(Int64(kills))), .init("rounds", .integer(Int64(figures.rounds))),
                .init("wall_seconds", .number(wall.inSeconds)), .init("workers", .integer(Int64(plan.workers))),
                .init("coordinators", .integer(Int64(plan.coordinators))),
                .init("concurrency", .integer(Int64(plan.concurrency))),
                .init("lease_seconds", .number(plan.lease.inSeconds)),
                .init(
                    "faults",
                    .object(
                        ChaosEvent.Kind.allCases.map { .init($0.rawValue, .integer(Int64(faults[$0] ?? 0))) })),
                .init("batches", .integer(Int64(figures.batches))),
                .init("batches_cancelled", .integer(Int64(figures.cancelled))),
                .init("lines", .integer(Int64(figures.lines))), .init("calls", .integer(Int64(account.calls))),
                .init("calls_repeated", .integer(Int64(account.repeated))),
                .init("calls_repeated_after_outage", .integer(Int64(account.repeatedAfterOutage))),
                .init("calls_lost", .integer(Int64(account.lost))),
                .init("calls_at_risk", .integer(Int64(account.atRisk))),
                .init("longest_stall_seconds", .number(figures.longestStall.inSeconds)),
                .init("longest_undisturbed_stall_seconds", .number(figures.undisturbedStall.inSeconds)),
                .init("last_call_after_cancel_seconds", .number(account.callAfterCancel.inSeconds)),
                .init("starts_repeated", .integer(Int64(figures.startsRepeated))),
                .init("violations", .array(violations.map { .string($0) })),
            ] + surroundings.members)
    }
}
