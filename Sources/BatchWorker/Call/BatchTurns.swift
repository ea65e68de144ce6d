// SPDX-License-Identifier: Apache-2.0
import BatchCore

/// Whose turn it is: in which order the batches on hand get the next place for a call. No clock and no waiting.
///
/// By lane, then priority, then urgency, as the claim statement orders batches; among equals the project with the
/// fewest calls in flight comes first, then the batch with the fewest, then the one claimed earliest. So a batch of
/// ten lines does not wait for the thousands of another project that happen to be on hand already. Live batches take
/// turns where all this is equal, so that a worker with a single place is fair between their keys too.
struct BatchTurns: Sendable {
    /// How a batch ranks before fairness counts; smaller comes first.
    struct Rank: Hashable, Comparable, Sendable {
        /// Its lane.
        var lane: Lane
        /// Its priority, −100…100, higher first.
        var priority: Int16
        /// Whether it would miss its window.
        var isUrgent: Bool

        /// Whether `left` comes first.
        static func < (left: Rank, right: Rank) -> Bool {
            (left.lane.rawValue, -left.priority, left.isUrgent ? 0 : 1)
                < (right.lane.rawValue, -right.priority, right.isUrgent ? 0 : 1)
        }
    }

    /// One batch on hand.
    private struct Entry: Sendable {
        let batch: BatchID
        let project: ProjectID
        var rank: Rank
        /// Serials of its shards on hand.
        var held: Int = 0
        /// Serials of those with startable lines, in the order of their claims.
        var startable: [Int] = []
        var inFlight = 0
        /// The number of the last start of one of its calls.
        var startedLast = 0
    }

    private var starts = 0
    private var entries: [Entry] = []
    private var inFlight: [ProjectID: Int] = [:]

    /// The batches on hand.
    var batches: [BatchID] { entries.map(\.batch) }

    /// Whether no shard has a startable line.
    var isEmpty: Bool { entries.allSatisfy(\.startable.isEmpty) }

    /// A shard was taken in; its batch ranks as the newest claim says.
    mutating func add(_ claim: ClaimedShard) {
        let rank = Rank(lane: claim.lane, priority: claim.priority, isUrgent: claim.isUrgent)
        let index = index(of: claim.lease.shard.batch) ?? entries.endIndex
        if index == entries.endIndex {
            entries.append(Entry(batch: claim.lease.shard.batch, project: claim.project, rank: rank))
        }
        entries[index].rank = rank
        entries[index].held += 1
    }

    /// A shard is held no more, with `calls` still in flight.
    mutating func remove(_ serial: Int, of batch: BatchID, calls: Int) {
        unlist(serial, of: batch)
        guard let index = index(of: batch) else { return }
        count(-calls, at: index)
        entries[index].held -= 1
        if entries[index].held == 0 {
            let project = entries.remove(at: index).project
            if !entries.contains(where: { $0.project == project }) { inFlight[project] = nil }
        }
    }

    /// A shard has startable lines. Serials grow with each claim, so the order of claims is their order.
    mutating func list(_ serial: Int, of batch: BatchID) {
        guard let index = index(of: batch) else { return }
        let place = entries[index].startable.firstIndex { $0 >= serial } ?? entries[index].startable.endIndex
        if place < entries[index].startable.endIndex, entries[index].startable[place] == serial { return }
        entries[index].startable.insert(serial, at: place)
    }

    /// A shard has no startable lines.
    mutating func unlist(_ serial: Int, of batch: BatchID) {
        guard let index = index(of: batch) else { return }
        entries[index].startable.removeAll { $0 == serial }
    }

    /// A call of the batch was started (1) or has ended (−1).
    mutating func count(_ change: Int, of batch: BatchID) {
        guard let index = index(of: batch) else { return }
        count(change, at: index)
        guard change > 0 else { return }
        starts += 1
        entries[index].startedLast = starts
    }

    /// Offers the startable shards in turn until `accept` takes one; returns what it made of it.
    mutating func first<Value>(_ accept: (Int) -> Value?) -> Value? {
        if entries.count == 1 { return offer(0, accept) }
        for index in turns() {
            if let value = offer(index, accept) { return value }
        }
        return nil
    }

    /// Offers the startable shards of a batch in the order of their claims.
    private func offer<Value>(_ index: Int, _ accept: (Int) -> Value?) -> Value? {
        for serial in entries[index].startable {
            if let value = accept(serial) { return value }
        }
        return nil
    }

    private func turns() -> [Int] {
        let candidates = entries.indices.filter { !entries[$0].startable.isEmpty }
        guard candidates.count > 1 else { return candidates }
        return candidates.sorted { left, right in
            let (one, other) = (entries[left], entries[right])
            if one.rank != other.rank { return one.rank < other.rank }
            if one.project != other.project {
                let (few, many) = (inFlight[one.project] ?? 0, inFlight[other.project] ?? 0)
                if few != many { return few < many }
            }
            if one.inFlight != other.inFlight { return one.inFlight < other.inFlight }
            if one.rank.lane == .live, one.startedLast != other.startedLast {
                return one.startedLast < other.startedLast
            }
            return (one.startable.first ?? 0) < (other.startable.first ?? 0)
        }
    }

    private mutating func count(_ change: Int, at index: Int) {
        entries[index].inFlight += change
        inFlight[entries[index].project, default: 0] += change
    }

    private func index(of batch: BatchID) -> Int? { entries.firstIndex { $0.batch == batch } }
}
