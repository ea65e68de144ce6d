// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Glibc
import Synchronization

/// Carries a schedule's faults out on the processes of a fleet and brings every victim back.
final class ChaosInjector: Sendable {
    private let fleet: BenchFleet
    private let backend: BenchBackend
    private let desk: ChaosDesk
    private let timeline: ChaosTimeline
    private let findings: ChaosFindings
    private let plan: ChaosPlan
    private let busy = Mutex<Set<FleetMember>>([])
    private let isServerBusy = Mutex(false)
    private let counts = Mutex<[ChaosEvent.Kind: Int]>([:])
    private let startsRepeated = Atomic<Int>(0)

    /// Between two looks for a victim that is not just being brought back.
    private static let pause = Duration.milliseconds(20)
    /// On top of the checkpoint interval: how long a statement may take on a machine that is busy.
    private static let recordLag = Duration.milliseconds(1_500)
    /// What a dead worker has sent the backend may read this much later, in microseconds.
    private static let deliveryLag: Int64 = 500_000
    /// Longest absence of PostgreSQL, start not counted.
    private static let serverAbsenceMax = Duration.milliseconds(1_500)
    /// A start that fails within this time after an outage of the database, in microseconds, is not held against it.
    private static let startLag: Int64 = 3_000_000
    /// Times that a process may fail to start before the campaign ends.
    private static let startsMax = 5

    /// An injector over `fleet`, whose processes it starts with ``startAll()``.
    init(
        fleet: BenchFleet, backend: BenchBackend, desk: ChaosDesk, timeline: ChaosTimeline, findings: ChaosFindings,
        plan: ChaosPlan
    ) {
        self.fleet = fleet
        self.backend = backend
        self.desk = desk
        self.timeline = timeline
        self.findings = findings
        self.plan = plan
    }

    /// Faults inflicted so far, by kind.
    var inflicted: [ChaosEvent.Kind: Int] { counts.withLock { $0 } }

    /// Starts that had to be repeated because the database went away meanwhile.
    var repeatedStarts: Int { startsRepeated.load(ordering: .relaxed) }

    /// Starts every process of the plan.
    func startAll() async throws {
        for index in 0..<plan.coordinators { try await start(.coordinator(index)) }
        for index in 0..<plan.workers { try await start(.worker(index)) }
    }

    /// Inflicts every fault of the schedule; returns when all victims are back.
    func run(_ schedule: ChaosSchedule) async throws {
        var schedule = schedule
        try await withThrowingTaskGroup(of: Void.self) { group in
            while let event = schedule.next() {
                try await Task.sleep(for: event.gap)
                let victim = try await choose(event)
                counts.withLock { $0[event.kind, default: 0] += 1 }
                group.addTask { [self] in
                    defer { release(event, victim) }
                    try await inflict(event, on: victim)
                }
            }
            try await group.waitForAll()
        }
    }

    /// Reports processes that ended although nobody made them.
    func lookForEndings() {
        for (member, process) in fleet.members {
            guard let ending = process.child.ending else { continue }
            findings.violation(
                "\(process.name) ended by itself with \(ending):\n\(DirectoryEntries.tail(of: process.outputPath))")
            _ = fleet.take(member)
        }
    }

    /// Waits for somebody whom the event can be done to, and reserves him; nil for PostgreSQL and the backend.
    private func choose(_ event: ChaosEvent) async throws -> FleetMember? {
        while true {
            if let role = event.kind.role {
                let all = (0..<(role == .worker ? plan.workers : plan.coordinators)).map {
                    FleetMember(role: role, index: $0)
                }
                let chosen = busy.withLock { busy in
                    let idle = all.filter { !busy.contains($0) }
                    guard !idle.isEmpty else { return FleetMember?.none }
                    let chosen = idle[Int(event.choice % UInt64(idle.count))]
                    busy.insert(chosen)
                    return chosen
                }
                if let chosen { return chosen }
            } else if event.kind == .backendCut || reserveServer() {
                return nil
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// PostgreSQL suffers one fault at a time; false while another is under way.
    private func reserveServer() -> Bool {
        isServerBusy.withLock { wasBusy in
            defer { wasBusy = true }
            return !wasBusy
        }
    }

    private func release(_ event: ChaosEvent, _ victim: FleetMember?) {
        if let victim {
            busy.withLock { _ = $0.remove(victim) }
        } else if event.kind != .backendCut {
            isServerBusy.withLock { $0 = false }
        }
    }

    private func inflict(_ event: ChaosEvent, on victim: FleetMember?) async throws {
        let fault = timeline.begin(event.kind, victim.flatMap { fleet.process($0)?.name } ?? "")
        defer { timeline.end(fault) }
        switch (event.kind, victim) {
        case (.workerKilled, let victim?), (.coordinatorKilled, let victim?): try await kill(victim, event)
        case (.workerPaused, let victim?), (.coordinatorPaused, let victim?): try await pause(victim, event)
        case (.workerRestarted, let victim?), (.coordinatorRestarted, let victim?): try await restart(victim, event)
        case (.serverKilled, _): try await crashServer(SIGKILL, event)
        case (.serverQuit, _): try await crashServer(SIGQUIT, event)
        case (.sessionKilled, _): try await endSession(SIGKILL, event)
        case (.sessionCut, _): try await endSession(SIGTERM, event)
        case (.backendCut, _): try await backend.cutConnections()
        default: break
        }
    }
}

// The processes of the product.
extension ChaosInjector {
    private func start(_ member: FleetMember) async throws {
        for attempt in 1...Self.startsMax {
            do {
                switch member.role {
                case .worker: try await fleet.startWorker(member.index)
                case .coordinator:
                    desk.open(
                        member.index,
                        try await fleet.startCoordinator(member.index, patience: Patience(attemptsMax: 1)))
                }
                return
            } catch let error as BenchFault {
                // Whoever supervises processes starts one again that found no database.
                if timeline.isDatabaseTroubled(within: Self.startLag) {
                    startsRepeated.add(1, ordering: .relaxed)
                } else {
                    findings.violation("\(member) could not be started: \(error)")
                }
                _ = fleet.take(member)
                if attempt == Self.startsMax { throw error }
            }
        }
    }

    private func kill(_ member: FleetMember, _ event: ChaosEvent) async throws {
        desk.close(member.index, if: member)
        if let process = fleet.take(member) {
            if process.child.ending != nil {
                findings.violation("\(process.name) had ended by itself before its kill; see \(process.outputPath)")
            }
            try await process.kill9()
            lose(process, member)
        }
        try await Task.sleep(for: event.absence)
        try await start(member)
    }

    private func pause(_ member: FleetMember, _ event: ChaosEvent) async throws {
        guard let process = fleet.process(member) else { return try await start(member) }
        let client = desk.close(member.index, if: member)
        process.child.signal(SIGSTOP)
        lose(process, member)
        defer { process.child.signal(SIGCONT) }
        try await Task.sleep(for: event.absence)
        if let client { desk.open(member.index, client) }
    }

    private func restart(_ member: FleetMember, _ event: ChaosEvent) async throws {
        desk.close(member.index, if: member)
        if let process = fleet.take(member) {
            let began = CallRecord.now()
            let ending = await process.stop()
            if ending != .exited(0) {
                findings.violation(
                    """
                    \(process.name) ended with \(ending.map(String.init) ?? "nothing") after SIGTERM:
                    \(DirectoryEntries.tail(of: process.outputPath))
                    """)
            }
            // An orderly end loses nothing, unless there is no database to record the last results in.
            let troubled = timeline.faults.contains { $0.isDatabase && $0.ended >= began }
            if troubled { lose(process, member) }
        }
        try await Task.sleep(for: event.absence)
        try await start(member)
    }

    /// What a worker has in flight and has not recorded may be called again.
    private func lose(_ process: BenchProcess, _ member: FleetMember) {
        guard member.role == .worker else { return }
        let now = CallRecord.now()
        timeline.lose(
            ChaosTimeline.Loss(
                isWorkers: true, caller: process.name, from: timeline.unrecorded(at: now, lag: Self.lag),
                to: now + Self.deliveryLag))
    }

    /// Longest time from an answer to its record, in microseconds.
    private static var lag: Int64 { (ChaosPlan.checkpointEvery + recordLag).nanoseconds / 1_000 }
}

// PostgreSQL.
extension ChaosInjector {
    private func crashServer(_ signal: Int32, _ event: ChaosEvent) async throws {
        let began = CallRecord.now()
        try await fleet.cluster.crash(signal)
        try await Task.sleep(for: min(event.absence, Self.serverAbsenceMax))
        try await fleet.cluster.startAgain()
        loseLeases(since: began)
    }

    private func endSession(_ signal: Int32, _ event: ChaosEvent) async throws {
        guard let server = fleet.cluster.serverProcess else { return }
        let sessions = ProcessStat.children(of: server).filter { session in
            let title = DirectoryEntries.text(of: "/proc/\(session.pid)/cmdline", limit: 4_096) ?? ""
            return title.hasPrefix("postgres: ") && ProcessMemory.postgresKind(title: title) == "postgres session"
        }
        guard !sessions.isEmpty else { return }
        let began = CallRecord.now()
        Glibc.kill(sessions[Int(event.choice % UInt64(sessions.count))].pid, signal)
        guard signal == SIGKILL else { return }
        // The first process lives on; its recovery takes about as long as a start.
        try await Task.sleep(for: Self.serverAbsenceMax)
        loseLeases(since: began)
    }

    /// While the database was away no worker could renew: those whose lease ran out meanwhile may lose it.
    private func loseLeases(since began: Int64) {
        let until = CallRecord.now() + (plan.lease.nanoseconds / 1_000)
        for (member, process) in fleet.members where member.role == .worker {
            timeline.lose(
                ChaosTimeline.Loss(
                    isWorkers: false, caller: process.name, from: timeline.unrecorded(at: began, lag: Self.lag),
                    to: until))
        }
    }
}

extension ChaosDesk {
    /// Closes the place of a coordinator; of a worker there is none.
    @discardableResult
    fileprivate func close(_ index: Int, if member: FleetMember) -> Client? {
        member.role == .coordinator ? close(index) : nil
    }
}
