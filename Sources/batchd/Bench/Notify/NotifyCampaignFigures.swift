// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore

/// What became of the events of a campaign.
struct NotifyCampaignFigures: Sendable {
    /// The outbox.
    var events: [EventMoment]
    /// Where the deliveries stand.
    var totals: DeliveryTotals
    /// Every attempt that reached a receiver.
    var attempts: [NoticeAttempt]
    /// Times that each event was taken, by receiver.
    var taken: [String: [String: Int]]
    /// The kills.
    var kills: [CoordinatorKeeper.Kill]
    /// Batches that were looked at when the first attempt came.
    var checked = 0
    /// Receivers, each of which wants every event.
    private let receivers: Set<String>

    /// The figures of what is in the database and in the log.
    init(_ events: [EventMoment], _ totals: DeliveryTotals, log: NoticeLog, kills: [CoordinatorKeeper.Kill]) {
        self.events = events
        self.totals = totals
        attempts = log.attempts
        taken = log.taken
        self.kills = kills
        receivers = Set(attempts.map(\.path))
    }

    /// Deliveries that no receiver ever took: events times receivers, less what was taken.
    var lost: Int {
        events.reduce(0) { sum, event in
            sum + receivers.subtracting(taken[event.id.rawValue, default: [:]].keys).count
        }
    }

    /// Times that a receiver was told again what it had taken.
    var duplicates: Int { taken.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1 - 1 } } }

    /// Kills that found an event committed of which nobody had been told yet.
    var killsBetweenCommitAndAttempt: Int {
        var first: [String: Int64] = [:]
        for attempt in attempts where first[attempt.id] == nil { first[attempt.id] = attempt.at }
        let gaps = events.map { ($0.at, first[$0.id.rawValue] ?? .max) }
        return kills.count { kill in gaps.contains { $0.0 < kill.at && kill.at < $0.1 } }
    }

    /// Longest time without any attempt while there was something to tell.
    var longestSilence: Duration {
        let moments = attempts.map(\.at).sorted()
        return .microseconds(zip(moments, moments.dropFirst()).map { $1 - $0 }.max() ?? 0)
    }

    /// Longest time from an event to the first attempt of telling somebody.
    var longestWait: Duration {
        var first: [String: Int64] = [:]
        for attempt in attempts where first[attempt.id] == nil { first[attempt.id] = attempt.at }
        return .microseconds(events.compactMap { event in first[event.id.rawValue].map { $0 - event.at } }.max() ?? 0)
    }
}
