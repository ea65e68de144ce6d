// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Glibc

/// The kill campaign: rounds of faults, each followed by a check of everything that the product promises.
struct ChaosBench: Sendable {
    /// The campaign.
    let plan: ChaosPlan

    /// Longest wait for the backend to have no call left.
    private static let idleLimit = Duration.seconds(30)
    /// Between two looks at it.
    private static let idlePoll = Duration.milliseconds(50)
    /// Longest time for the check of one batch.
    private static let checkLimit = Duration.seconds(60)
    /// Batches of a page of the list.
    private static let pageMax = 100

    /// Runs all of it.
    func run(in fleet: BenchFleet, backend: BenchBackend) async throws -> BenchReport {
        let before = MachineState.current
        let (desk, timeline, findings) = (ChaosDesk(), ChaosTimeline(), ChaosFindings())
        let injector = ChaosInjector(
            fleet: fleet, backend: backend, desk: desk, timeline: timeline, findings: findings, plan: plan)
        var figures = ChaosFigures()
        var calls = CallLogReader(path: fleet.directory.calls)
        let began = ContinuousClock.now
        do {
            findings.begin("start")
            try await injector.startAll()
            for number in 0..<plan.rounds {
                findings.begin("round \(number), --seed \(plan.seed(ofRound: number))")
                let round = ChaosRound(
                    number: number, plan: plan, fleet: fleet, desk: desk, injector: injector, timeline: timeline,
                    findings: findings)
                try await run(round, backend: backend, &calls, &figures)
            }
        } catch {
            fleet.keepDirectory()
            guard !Task.isCancelled else { throw error }
            findings.violation("the round could not be brought to its end: \(error)")
        }
        if !findings.violations.isEmpty {
            fleet.keepDirectory()
            try PlainFile.write(timeline.text, to: "\(fleet.directory.path)/faults.log", permissions: 0o600)
        }
        figures.startsRepeated = injector.repeatedStarts
        return ChaosReport(
            plan: plan, figures: figures, faults: injector.inflicted, violations: findings.violations,
            wall: ContinuousClock.now - began,
            surroundings: BenchSurroundings(before: before, after: .current, othersCores: nil)
        ).report
    }

    private func run(
        _ round: ChaosRound, backend: BenchBackend, _ calls: inout CallLogReader, _ figures: inout ChaosFigures
    ) async throws {
        let (began, start) = (ContinuousClock.now, CallRecord.now())
        let before = figures.account
        let faultsBefore = round.timeline.faults.count
        let violationsBefore = round.findings.violations.count
        let ended = try await round.run()
        let stalls = round.timeline.stalls(from: start, to: CallRecord.now())
        round.injector.lookForEndings()
        try await idle(backend)
        if stalls.undisturbed > plan.stallMax {
            round.findings.violation(
                "nothing went on for \(FigureText.fixed(stalls.undisturbed.inSeconds, 1)) s without a fault")
        }
        for one in ended { await check(one, round, &figures) }
        await checkList(ended, round)
        let records = try calls.next()
        let cancelled = ended.compactMap { one in one.watch.cancelledAt.map { (one.batch.input.tag ?? 0, $0) } }
        let unexplained = figures.account.add(
            records, losses: round.timeline.losses,
            cancelled: Dictionary(cancelled) { first, _ in first })
        for fault in unexplained { round.findings.violation(fault) }
        figures.rounds += 1
        figures.longestStall = max(figures.longestStall, stalls.longest)
        figures.undisturbedStall = max(figures.undisturbedStall, stalls.undisturbed)
        let lines = ended.reduce(0) { $0 + $1.batch.input.lines }
        let faults = round.timeline.faults[faultsBefore...]
        BenchRun.say(
            """
            round \(round.number) seed \(plan.seed(ofRound: round.number)): \
            \(faults.count { $0.kind.isKill }) kills of \(faults.count) faults, \(ended.count) batches, \
            \(FigureText.count(lines)) lines in \(FigureText.fixed((ContinuousClock.now - began).inSeconds, 1)) s; \
            repeated \(figures.account.repeated - before.repeated) of ≤ \
            \(figures.account.lost + figures.account.atRisk - before.lost - before.atRisk); \
            stall \(FigureText.fixed(stalls.longest.inSeconds, 1)) s, \
            undisturbed \(FigureText.fixed(stalls.undisturbed.inSeconds, 1)) s; \
            violations \(round.findings.violations.count - violationsBefore)
            """)
    }

    private func check(_ one: ChaosBatch.Ended, _ round: ChaosRound, _ figures: inout ChaosFigures) async {
        do {
            let contents = try await ChaosResults(ended: one, directory: round.fleet.directory)
                .check(round.desk, until: .now + Self.checkLimit)
            figures.add(one, contents)
        } catch {
            round.findings.violation("\(one.batch.name): \(error)")
        }
    }

    /// However often a creation had to be repeated, it made one batch: those that were acknowledged, and no other.
    private func checkList(_ ended: [ChaosBatch.Ended], _ round: ChaosRound) async {
        do {
            let page = try await round.desk.ask("list the batches", until: .now + Self.checkLimit) {
                client throws(ClientError) in try await client.batches(limit: Self.pageMax)
            }
            let mine = page.elements.map(\.value).filter { $0.name?.hasPrefix("round-\(round.number)-") ?? false }
            let known = Set(ended.map(\.watch.last.id))
            guard ended.count < Self.pageMax, Set(mine.map(\.id)) != known || mine.count != known.count else { return }
            round.findings.violation(
                "the list has \(mine.count) batches of this round, \(known.count) were acknowledged")
        } catch {
            round.findings.violation("\(error)")
        }
    }

    private func idle(_ backend: BenchBackend) async throws {
        let end = ContinuousClock.now + Self.idleLimit
        while try await backend.counters().in_flight > 0 {
            guard ContinuousClock.now < end else {
                throw BenchFault("calls are still in flight \(Self.idleLimit) after the last batch")
            }
            try await Task.sleep(for: Self.idlePoll)
        }
    }
}
