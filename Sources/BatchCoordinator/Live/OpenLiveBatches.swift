// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore

/// The live batches that this process adds to, one for each party, and the numbers of their next shards.
struct OpenLiveBatches: Sendable {
    private struct Open: Sendable {
        let id: BatchID
        let since: ContinuousClock.Instant
        var nextShard: Int32 = 0
        /// Whether its row may be missing.
        var isNew = true
    }

    private let shardsMax: Int
    private var open: [LiveHolds.Party: Open] = [:]
    /// Batches that nothing is added to any more, and whose rows do not say so yet.
    private(set) var unsealed: [BatchID] = []

    /// None yet; a batch takes up to `shardsMax` shards.
    init(shardsMax: Int) {
        self.shardsMax = shardsMax
    }

    /// The key of the next shard of a party, and whether its batch must be opened first.
    mutating func nextShard(
        of party: LiveHolds.Party, at now: ContinuousClock.Instant
    ) -> (key: LiveShardKey, isNew: Bool) {
        if let full = open[party], Int(full.nextShard) >= shardsMax {
            unsealed.append(full.id)
            open[party] = nil
        }
        var batch = open[party] ?? Open(id: .random(), since: now)
        let key = LiveShardKey(batch: batch.id, number: batch.nextShard)
        batch.nextShard += 1
        open[party] = batch
        return (key, batch.isNew)
    }

    /// The rows of these batches are there.
    mutating func opened(_ batches: Set<BatchID>) {
        for (party, batch) in open where batches.contains(batch.id) { open[party]?.isNew = false }
    }

    /// Nothing is added to these any more: whether their last shards are in the database is unknown.
    mutating func abandon(_ batches: Set<BatchID>) {
        for (party, batch) in open where batches.contains(batch.id) {
            open[party] = nil
            unsealed.append(batch.id)
        }
    }

    /// Closes batches that have been open for `rotate` and of which everything is answered, or for `most`.
    mutating func rotate(
        after rotate: Duration, most: Duration, at now: ContinuousClock.Instant, isIdle: (BatchID) -> Bool
    ) {
        for (party, batch) in open {
            let age = now - batch.since
            guard age >= most || age >= rotate && isIdle(batch.id) else { continue }
            open[party] = nil
            unsealed.append(batch.id)
        }
    }

    /// The rows of these say that they are sealed.
    mutating func sealed(_ batches: [BatchID]) {
        let sealed = Set(batches)
        unsealed.removeAll { sealed.contains($0) }
    }
}
