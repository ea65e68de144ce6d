// SPDX-License-Identifier: Apache-2.0

internal import BatchStore

/// What a live desk has heard of and not yet looked at.
struct LiveQueueOfNews: Sendable {
    /// Whether the lock that says that this process lives was taken.
    var isConnected = false
    /// Whether the connection was lost for a while, so that others may have let this process's requests go.
    var isDoubted = false
    /// Until when nobody is taken for dead: the database was away, and others are still connecting again.
    var patientUntil: ContinuousClock.Instant?
    /// Whether the fate of a transaction is unknown.
    var isUncertain = false
    /// Shards that are looked at one after another, should a notification have been lost.
    var rota: [LiveShardKey] = []
    private var segments: [SegmentKey] = []
    private var shards: Set<LiveShardKey> = []

    /// Whether there is something to look at.
    var isEmpty: Bool { segments.isEmpty && shards.isEmpty }

    /// Outcomes were recorded.
    mutating func hear(_ news: [SegmentKey]) { segments += news }

    /// It is unknown how these shards stand.
    mutating func look(at shards: Set<LiveShardKey>) { self.shards.formUnion(shards) }

    /// The next checkpoints to read.
    mutating func takeSegments(max: Int) -> [SegmentKey] {
        defer { segments.removeFirst(min(max, segments.count)) }
        return Array(segments.prefix(max))
    }

    /// The next shards to look at.
    mutating func takeShards(max: Int) -> [LiveShardKey] {
        let taken = Array(shards.prefix(max))
        shards.subtract(taken)
        return taken
    }
}
