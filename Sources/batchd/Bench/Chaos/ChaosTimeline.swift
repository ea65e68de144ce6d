// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// When what was out of order, and when anything progressed; times in microseconds of the machine's monotonic clock.
final class ChaosTimeline: Sendable {
    /// A time in which something was broken.
    struct Fault: Hashable, Sendable {
        /// What was done.
        var kind: ChaosEvent.Kind
        /// To which process; empty for PostgreSQL and the backend.
        var victim: String
        /// When it began.
        var began: Int64
        /// When the victim was back; `.max` until then.
        var ended: Int64
    }

    /// A worker process that may have lost results, so that calls of it may be repeated.
    struct Loss: Hashable, Sendable {
        /// Whether it is the worker that was away, and not the database.
        var isWorkers: Bool
        /// The process's name, which the backend knows as its key.
        var caller: String
        /// From when on a result of it may not have been recorded.
        var from: Int64
        /// Until when its calls may be lost.
        var to: Int64
    }

    private struct State {
        var faults: [Fault] = []
        var losses: [Loss] = []
        var progress: [Int64] = []
    }

    private let state = Mutex(State())

    /// A fault begins; returns its number for ``end(_:)``.
    @discardableResult
    func begin(_ kind: ChaosEvent.Kind, _ victim: String) -> Int {
        state.withLock { state in
            state.faults.append(Fault(kind: kind, victim: victim, began: CallRecord.now(), ended: .max))
            return state.faults.count - 1
        }
    }

    /// The victim of a fault is back.
    func end(_ number: Int) { state.withLock { $0.faults[number].ended = CallRecord.now() } }

    /// A worker may have lost something.
    func lose(_ loss: Loss) { state.withLock { $0.losses.append(loss) } }

    /// Something went forward.
    func progressed() { state.withLock { $0.progress.append(CallRecord.now()) } }

    /// Everything done and lost, for people who look into a violation; times as in the call log.
    var text: String {
        let (faults, losses) = state.withLock { ($0.faults, $0.losses) }
        return faults.map { "\($0.began) \($0.ended) \($0.kind.rawValue) \($0.victim)\n" }.joined()
            + losses.map { "\($0.from) \($0.to) lost \($0.caller)\($0.isWorkers ? "" : " (database)")\n" }.joined()
    }

    /// Everything lost so far.
    var losses: [Loss] { state.withLock { $0.losses } }

    /// Everything done so far.
    var faults: [Fault] { state.withLock { $0.faults } }

    /// Whether the database is out of order, or was so at most `lag` ago.
    func isDatabaseTroubled(within lag: Int64) -> Bool {
        let now = CallRecord.now()
        return faults.contains { $0.isDatabase && ($0.ended == .max || $0.ended + lag >= now) }
    }

    /// When the database was first out of order in the time before `time`, going back at least `lag` and through all
    /// its troubles that touch; what was not recorded by then may be lost.
    func unrecorded(at time: Int64, lag: Int64) -> Int64 {
        let troubles = faults.filter(\.isDatabase).sorted { $0.began > $1.began }
        var from = time - lag
        for trouble in troubles where trouble.began <= time && trouble.ended >= from {
            from = min(from, trouble.began - lag)
        }
        return from
    }

    /// The longest time without progress between two instants: all of it, and the longest part in which nothing was
    /// out of order.
    func stalls(from begin: Int64, to end: Int64) -> (longest: Duration, undisturbed: Duration) {
        let (faults, progress) = state.withLock { ($0.faults, $0.progress) }
        let marks = [begin] + progress.filter { (begin...end).contains($0) } + [end]
        var (longest, undisturbed) = (Int64(0), Int64(0))
        for (before, after) in zip(marks, marks.dropFirst()) {
            longest = max(longest, after - before)
            var quietSince = before
            for fault in faults.sorted(by: { $0.began < $1.began })
            where fault.began < after && fault.ended > before {
                undisturbed = max(undisturbed, fault.began - quietSince)
                quietSince = max(quietSince, min(fault.ended, after))
            }
            undisturbed = max(undisturbed, after - quietSince)
        }
        return (.microseconds(longest), .microseconds(undisturbed))
    }
}

extension ChaosTimeline.Fault {
    /// Whether statements fail while it lasts.
    var isDatabase: Bool {
        switch kind {
        case .serverKilled, .serverQuit, .sessionKilled: true
        default: false
        }
    }
}
