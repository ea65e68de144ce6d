// SPDX-License-Identifier: Apache-2.0

/// Tells a backend that queues from one that is slow by nature: a queue's latency follows the number in flight.
///
/// The baseline is the least mean latency of any cohort, with its uncertainty added; a cohort is slow when its mean
/// less its uncertainty exceeds `tolerance` baselines. When fewer calls in flight do not make it faster, the work
/// itself has become longer (other lines, other outputs): then that is the new baseline and the window is given back.
struct LatencyGradient: Sendable {
    /// What to do with the window.
    enum Advice: Hashable, Sendable {
        /// No more than so many calls in flight.
        case shrink(to: Int)
        /// Shrinking was a mistake: back to this size and limit.
        case restore(size: Int, limit: Int?)
    }

    /// How things stood when shrinking began.
    private struct Reference: Sendable {
        let mean: Double
        let crowd: Double
        let size: Int
        let limit: Int?
    }

    private let tolerance: Double
    private var cohort: LatencyCohort
    /// Seconds; nil until the first cohort is complete.
    private(set) var baseline: Double?
    private var reference: Reference?

    /// Knows nothing yet; the first cohort has `size` calls and begins with the call of number `first`.
    init(tolerance: Double, first: Int, size: Int) {
        self.tolerance = tolerance
        cohort = LatencyCohort(first: first, size: size)
    }

    /// A call starts.
    mutating func start(_ ticket: CallTicket) { cohort.start(ticket) }

    /// A call ended without saying anything about latency.
    mutating func drop(_ ticket: CallTicket) { cohort.drop(ticket) }

    /// Begins a new cohort: what is under way started before a change.
    mutating func restart(first: Int, size: Int) { cohort = LatencyCohort(first: first, size: size) }

    /// Whether one call took so long that no more should be added now.
    func isSlow(_ seconds: Double) -> Bool {
        guard let baseline else { return false }
        return seconds > max(tolerance * baseline, WindowRules.latencyFloorSeconds)
    }

    /// A call was answered; `size` and `limit` are the window's, `next` is the number of the next call to start.
    mutating func end(_ ticket: CallTicket, seconds: Double, size: Int, limit: Int?, next: Int) -> Advice? {
        cohort.end(ticket, seconds: seconds)
        guard let finding = cohort.finding else {
            if cohort.isVoid { restart(first: next, size: size) }
            return nil
        }
        restart(first: next, size: size)
        return judge(finding, size: size, limit: limit)
    }

    private mutating func judge(_ finding: LatencyCohort.Finding, size: Int, limit: Int?) -> Advice? {
        let most = finding.mean + 2 * finding.error
        let known = min(baseline ?? most, most)
        baseline = known
        let least = finding.mean - 2 * finding.error
        guard least > max(tolerance * known, WindowRules.latencyFloorSeconds) else {
            reference = nil
            return nil
        }
        if let before = reference, finding.crowd <= 0.7 * before.crowd {
            if finding.mean >= 0.85 * before.mean {
                baseline = most
                reference = nil
                return .restore(size: before.size, limit: before.limit)
            }
            reference = Reference(mean: finding.mean, crowd: finding.crowd, size: size, limit: limit)
        } else if reference == nil {
            reference = Reference(mean: finding.mean, crowd: finding.crowd, size: size, limit: limit)
        }
        let target = finding.crowd * tolerance * known / finding.mean + finding.crowd.squareRoot()
        return .shrink(to: Int(target))
    }
}
