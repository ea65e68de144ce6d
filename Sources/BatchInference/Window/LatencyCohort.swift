// SPDX-License-Identifier: Apache-2.0

/// The latency of some calls that started one after another.
///
/// Calls are chosen by their start: among the calls that end in some span of time the quick ones are too many whenever
/// the number in flight grows. The last twentieth is not waited for.
struct LatencyCohort: Sendable {
    /// What a complete cohort says.
    struct Finding: Hashable, Sendable {
        /// Mean latency in seconds.
        var mean: Double
        /// Standard error of the mean in seconds.
        var error: Double
        /// Mean number of calls in flight at the start of a call.
        var crowd: Double
    }

    private let first: Int
    private let size: Int
    private var started = 0
    private var pending = 0
    private var ended = 0
    private var sum = 0.0
    private var squares = 0.0
    private var crowds = 0.0

    /// The `size` calls that start with the one of number `first`.
    init(first: Int, size: Int) {
        self.first = first
        self.size = min(max(size, 16), 512)
    }

    /// A call starts.
    mutating func start(_ ticket: CallTicket) {
        guard contains(ticket) else { return }
        started += 1
        pending += 1
        crowds += Double(ticket.crowd)
    }

    /// A call was answered after so many seconds.
    mutating func end(_ ticket: CallTicket, seconds: Double) {
        guard contains(ticket) else { return }
        pending -= 1
        ended += 1
        sum += seconds
        squares += seconds * seconds
    }

    /// A call ended without saying anything about latency.
    mutating func drop(_ ticket: CallTicket) {
        guard contains(ticket) else { return }
        pending -= 1
    }

    /// What is known once enough calls have ended; nil before.
    var finding: Finding? {
        guard started == size, pending <= size / 20, ended > 0 else { return nil }
        let count = Double(ended)
        let mean = sum / count
        let variance = max(squares / count - mean * mean, 0)
        return Finding(mean: mean, error: (variance / count).squareRoot(), crowd: crowds / Double(started))
    }

    /// Whether every call is over and none was answered, so that there will be no finding.
    var isVoid: Bool { started == size && pending == 0 && ended == 0 }

    private func contains(_ ticket: CallTicket) -> Bool { ticket.number >= first && ticket.number < first + size }
}
