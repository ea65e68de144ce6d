// SPDX-License-Identifier: Apache-2.0
import BatchInference
import Loops
import Synchronization

/// Moves a run on with time, and tells the user of a base URL that answers nothing any more.
final class RunWatch: Sendable {
    private let desk: RunDesk
    private let backends: BackendSet
    private let limits: RunLimits
    private let ended: StopFlag
    private let tell: @Sendable (String) -> Void
    private let state = Mutex<(wasTold: Bool, away: RunError?)>((false, nil))

    /// How long nothing may be answered before it is worth a word.
    private static let silence = Duration.seconds(5)
    /// Longest time between two looks.
    private static let lookEvery = Duration.seconds(1)

    /// Watches over `desk`; raises `ended` when the patience is over.
    init(
        desk: RunDesk, backends: BackendSet, limits: RunLimits, ended: StopFlag,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.desk = desk
        self.backends = backends
        self.limits = limits
        self.ended = ended
        self.tell = tell
    }

    /// Why the run was given up; nil when it was not.
    var away: RunError? { state.withLock { $0.away } }

    /// Looks again and again until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let now = ContinuousClock.now
            let due = desk.tick(at: now)
            look(at: now)
            let pause = due.map { max($0 - .now, .milliseconds(1)) } ?? Self.lookEvery
            await desk.clockWake.wait(upTo: min(pause, Self.lookEvery))
        }
    }

    private func look(at now: ContinuousClock.Instant) {
        for backend in backends.backends {
            let failing = backend.failingFor(at: now) ?? .zero
            if failing >= limits.patience, desk.inFlight == 0 {
                state.withLock {
                    $0.away = RunError(
                        .unreachable,
                        "no call was answered for \(limits.patience) (\(desk.lastError)): the run was given up")
                }
                ended.raise()
            } else if failing >= Self.silence, state.withLock({ !$0.wasTold }) {
                state.withLock { $0.wasTold = true }
                tell("no call is answered (\(desk.lastError)): lines wait, at most \(limits.patience); see --patience")
            } else if failing == .zero, state.withLock({ $0.wasTold }) {
                state.withLock { $0.wasTold = false }
                tell("\(backend.configuration.name) answers again")
            }
        }
    }
}
