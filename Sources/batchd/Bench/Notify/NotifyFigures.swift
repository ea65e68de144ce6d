// SPDX-License-Identifier: Apache-2.0

/// How long events took from the outbox to the first attempt at a receiver.
struct NotifyLatency: Hashable, Sendable {
    /// Events.
    var events: Int
    /// Half of them took at most this long.
    var median: Duration
    /// 99 of 100 took at most this long.
    var ninetyNine: Duration
    /// The slowest.
    var most: Duration
    /// From the first event to the last.
    var ending: Duration
    /// From the first attempt to the last.
    var arriving: Duration

    /// The figures of events and their first attempts, both in microseconds; nil when there are none.
    init?(events moments: [String: Int64], attempts: [String: Int64]) {
        let waits = moments.compactMap { id, moment in attempts[id].map { $0 - moment } }.sorted()
        guard let most = waits.last, let begin = moments.values.min(), let end = moments.values.max(),
            let first = attempts.values.min(), let last = attempts.values.max()
        else { return nil }
        events = waits.count
        median = .microseconds(waits[(waits.count - 1) / 2])
        ninetyNine = .microseconds(waits[max((waits.count * 99 + 99) / 100 - 1, 0)])
        self.most = .microseconds(most)
        ending = .microseconds(end - begin)
        arriving = .microseconds(last - first)
    }
}

/// Deliveries that were all due at once.
struct NotifyRate: Hashable, Sendable {
    /// Deliveries.
    var deliveries: Int
    /// From the demand to the last of them.
    var time: Duration
}

/// What receivers that never take anything were sent meanwhile.
struct DeadReceivers: Hashable, Sendable {
    /// Receivers that refuse the connection.
    var refusing: Int
    /// Receivers that take the connection and never answer.
    var silent: Int
    /// Deliveries to them.
    var deliveries: Int
    /// Attempts before the live receiver was measured.
    var attemptsBefore: Int
    /// Attempts by the end.
    var attemptsAfter: Int
}
