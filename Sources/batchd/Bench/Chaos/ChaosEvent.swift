// SPDX-License-Identifier: Apache-2.0

/// One fault that a campaign inflicts.
struct ChaosEvent: Hashable, Sendable {
    /// What is done to whom.
    enum Kind: String, CaseIterable, Hashable, Sendable {
        /// SIGKILL; another process takes the place later.
        case workerKilled = "worker killed"
        /// SIGSTOP for longer than the lease, then SIGCONT.
        case workerPaused = "worker paused"
        /// SIGTERM; another process takes the place after its orderly end.
        case workerRestarted = "worker restarted"
        /// SIGKILL; another process takes the place later.
        case coordinatorKilled = "coordinator killed"
        /// SIGSTOP for longer than the lease of its duties, then SIGCONT.
        case coordinatorPaused = "coordinator paused"
        /// SIGTERM; another process takes the place after its orderly end.
        case coordinatorRestarted = "coordinator restarted"
        /// SIGKILL of PostgreSQL's first process, and a start that recovers.
        case serverKilled = "PostgreSQL killed"
        /// Immediate shutdown (SIGQUIT), and a start that recovers.
        case serverQuit = "PostgreSQL shut down immediately"
        /// SIGKILL of one session: PostgreSQL resets all others and recovers by itself.
        case sessionKilled = "PostgreSQL session killed"
        /// SIGTERM of one session, which is what pg_terminate_backend does: its connection is cut.
        case sessionCut = "database connection cut"
        /// Every connection to the backend is reset, whatever is under way on it.
        case backendCut = "backend connections cut"

        /// Whether something dies without a warning: what the number of kills counts.
        var isKill: Bool {
            switch self {
            case .workerKilled, .coordinatorKilled, .serverKilled, .serverQuit, .sessionKilled: true
            case .workerPaused, .workerRestarted, .coordinatorPaused, .coordinatorRestarted, .sessionCut, .backendCut:
                false
            }
        }

        /// Whose process it is done to; nil for PostgreSQL and the backend's connections.
        var role: FleetMember.Role? {
            switch self {
            case .workerKilled, .workerPaused, .workerRestarted: .worker
            case .coordinatorKilled, .coordinatorPaused, .coordinatorRestarted: .coordinator
            case .serverKilled, .serverQuit, .sessionKilled, .sessionCut, .backendCut: nil
            }
        }

        /// How often it comes, of 100.
        var weight: Int {
            switch self {
            case .workerKilled: 30
            case .coordinatorKilled: 20
            case .workerPaused, .workerRestarted: 7
            case .coordinatorPaused, .coordinatorRestarted: 5
            case .serverKilled, .serverQuit, .sessionKilled: 4
            case .sessionCut: 10
            case .backendCut: 4
            }
        }
    }

    /// What is done.
    var kind: Kind
    /// Time since the event before it began.
    var gap: Duration
    /// Chooses among those that it can be done to.
    var choice: UInt64
    /// How long the victim stays away, or is paused.
    var absence: Duration
}

/// The faults of one round, in order: a pure function of the seed.
struct ChaosSchedule: Sendable {
    /// How many kills are left; the schedule ends with the last of them.
    private(set) var killsLeft: Int
    private let lease: Duration
    private var random: SeededNumbers

    /// Time between two faults.
    private static let gap = Duration.milliseconds(40)...Duration.milliseconds(400)

    /// A schedule with that many kills.
    ///
    /// - Parameter lease: the longer one of worker and duty: pauses outlast it.
    init(seed: UInt64, kills: Int, lease: Duration) {
        killsLeft = kills
        self.lease = lease
        random = SeededNumbers(seed: seed)
    }

    /// The next fault; nil after the last kill.
    mutating func next() -> ChaosEvent? {
        guard killsLeft > 0 else { return nil }
        let total = ChaosEvent.Kind.allCases.reduce(0) { $0 + $1.weight }
        var drawn = random.index(below: total)
        let kind = ChaosEvent.Kind.allCases.first { kind in
            drawn -= kind.weight
            return drawn < 0
        }
        guard let kind else { return nil }
        if kind.isKill { killsLeft -= 1 }
        let share = random.unit()
        let isPause = kind == .workerPaused || kind == .coordinatorPaused
        // Most victims are replaced at once, some only when their lease has run out.
        let absence = isPause ? lease * (1.2 + 0.6 * share) : lease * (1.3 * share * share * share)
        return ChaosEvent(
            kind: kind, gap: random.duration(in: Self.gap), choice: random.next(), absence: absence)
    }
}
