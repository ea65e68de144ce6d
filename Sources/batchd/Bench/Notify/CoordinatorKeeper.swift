// SPDX-License-Identifier: Apache-2.0
import BatchClient
import Glibc
import Synchronization

/// Kills coordinators and starts each again at once.
final class CoordinatorKeeper: Sendable {
    /// When a coordinator is killed.
    enum Moment: String, CaseIterable, Hashable, Sendable {
        /// About when a batch ends: with luck after the commit and before the attempt.
        case beforeAttempt
        /// While the receiver holds its answer back.
        case duringAttempt
        /// When the receiver has answered.
        case afterAnswer
    }

    /// One kill.
    struct Kill: Hashable, Sendable {
        /// Microseconds since 1970.
        var at: Int64
        /// Why then.
        var moment: Moment
    }

    /// The coordinators that live.
    let desk: ChaosDesk
    private let fleet: BenchFleet
    private let findings: ChaosFindings
    private let done = Mutex<[Kill]>([])
    /// Those that are ready: nobody is killed while it starts, since its starter waits for it.
    private let serving = Mutex<Set<FleetMember>>([])
    private let dead: AsyncStream<(Int, BenchProcess)>
    private let bury: AsyncStream<(Int, BenchProcess)>.Continuation

    /// A keeper of the fleet's coordinators, which it starts.
    init(fleet: BenchFleet, desk: ChaosDesk, findings: ChaosFindings) {
        self.fleet = fleet
        self.desk = desk
        self.findings = findings
        (dead, bury) = AsyncStream.makeStream()
    }

    /// Kills so far, in order.
    var kills: [Kill] { done.withLock { $0 } }

    /// How many there were.
    var killCount: Int { done.withLock { $0.count } }

    /// The process ids of the coordinators that live, by their places.
    var processes: [FleetMember: Int32] {
        let serving = serving.withLock { $0 }
        return fleet.members.filter { serving.contains($0.key) }.mapValues(\.child.pid)
    }

    /// Starts the coordinator of that place.
    func start(_ index: Int) async throws {
        desk.open(index, try await fleet.startCoordinator(index, patience: Patience(attemptsMax: 1)))
        _ = serving.withLock { $0.insert(.coordinator(index)) }
    }

    /// Kills a coordinator now, on whatever thread; nothing happens when it is not there. Its successor comes by
    /// itself.
    @discardableResult
    func kill(_ member: FleetMember, _ moment: Moment) -> Bool {
        guard serving.withLock({ $0.remove(member) }) != nil, let process = fleet.take(member) else { return false }
        if let ending = process.child.ending {
            findings.violation("\(process.name) had ended by itself with \(ending); see \(process.outputPath)")
        }
        process.child.signal(SIGKILL)
        let count = done.withLock { kills in
            kills.append(Kill(at: WallClock.now(), moment: moment))
            return kills.count
        }
        desk.close(member.index)
        bury.yield((member.index, process))
        if count.isMultiple(of: 25) { BenchRun.say("\(count) kills") }
        return true
    }

    /// Gives every killed coordinator a successor, until ``end()``.
    func reviveAll() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for await (index, process) in dead {
                group.addTask { [self] in
                    try await process.kill9()
                    try await start(index)
                }
            }
            try await group.waitForAll()
        }
    }

    /// No more kills.
    func end() { bury.finish() }
}
