// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What came of a load of requests, counted while it runs; its size does not grow with their number.
package final class ChatTally: Sendable {
    /// The numbers at one moment.
    package struct Figures: Hashable, Sendable {
        /// Requests that were answered.
        package var answered = 0
        /// Requests that came to nothing, by HTTP status; 0: no answer in time.
        package var failures: [Int: Int] = [:]
        /// Repetitions by the HTTP status they followed; 0: the connection broke or there was none.
        package var retries: [Int: Int] = [:]
        /// Requests that were under way when the load was stopped.
        package var interrupted = 0
        /// What the first failures said.
        package var messages: [String] = []
        /// How long answered requests took, repetitions included.
        package var latencies = LatencyHistogram()

        /// Requests that came to nothing.
        package var failed: Int { failures.values.reduce(0, +) }
        /// Repetitions in all.
        package var retried: Int { retries.values.reduce(0, +) }

        /// Nothing yet.
        package init() {}
    }

    /// Different messages that are kept.
    private static let messagesMax = 5

    private let state = Mutex(Figures())

    /// A tally of nothing.
    package init() {}

    /// The numbers now.
    package var figures: Figures { state.withLock { $0 } }

    /// A request was answered.
    func answered(after duration: Duration) {
        state.withLock { state in
            state.answered += 1
            state.latencies.add(duration)
        }
    }

    /// A request came to nothing; `status` is 0 when there was no answer.
    func failed(status: Int, _ message: String) {
        state.withLock { state in
            state.failures[status, default: 0] += 1
            if state.messages.count < Self.messagesMax, !state.messages.contains(message) {
                state.messages.append(message)
            }
        }
    }

    /// A request is sent again; `status` is 0 when there was no answer.
    func retried(status: Int) { state.withLock { $0.retries[status, default: 0] += 1 } }

    /// A request was given up because the load is stopped.
    func interrupted() { state.withLock { $0.interrupted += 1 } }
}

/// Durations by size: every one is counted in a class that is at most 1.6 % wide.
package struct LatencyHistogram: Hashable, Sendable {
    private static let steps = 64
    private var counts = [Int32](repeating: 0, count: 40 * LatencyHistogram.steps)
    /// How many there are.
    package private(set) var count = 0
    /// The longest.
    package private(set) var longest = Duration.zero

    /// Nothing yet.
    package init() {}

    /// Counts one more.
    package mutating func add(_ duration: Duration) {
        counts[Self.index(of: duration)] += 1
        count += 1
        longest = max(longest, duration)
    }

    /// The duration that `share` (0…1) of all do not exceed, to the width of its class; zero when there are none.
    package func quantile(_ share: Double) -> Duration {
        var left = max(Int((share * Double(count)).rounded(.up)), 1)
        for (index, number) in counts.enumerated() where number > 0 {
            left -= Int(number)
            if left <= 0 { return min(Self.upperBound(of: index), longest) }
        }
        return longest
    }

    /// Classes of microseconds: those below 128 are exact, then 64 to each doubling.
    private static func index(of duration: Duration) -> Int {
        let microseconds = Int(clamping: max(Int64(duration / .microseconds(1)), 0))
        let bits = Int.bitWidth - microseconds.leadingZeroBitCount
        let shift = max(bits - 7, 0)
        let index = shift * steps + microseconds >> shift
        return min(index, 40 * steps - 1)
    }

    private static func upperBound(of index: Int) -> Duration {
        guard index >= 2 * steps else { return .microseconds(index) }
        let shift = index / steps - 1
        return .microseconds(((index - shift * steps + 1) << shift) - 1)
    }
}
