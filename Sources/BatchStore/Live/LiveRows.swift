// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// Names a live shard: a run of held requests that were taken in at once.
package struct LiveShardKey: Hashable, Sendable {
    /// The live batch.
    package var batch: BatchID
    /// Its place in the batch.
    package var number: Int32

    /// Names a live shard.
    package init(batch: BatchID, number: Int32) {
        self.batch = batch
        self.number = number
    }
}

/// Names the line that a held request is.
package struct LiveLineKey: Hashable, Sendable {
    /// Its shard.
    package var shard: LiveShardKey
    /// Its place in the shard.
    package var ordinal: Int32

    /// Names a line.
    package init(shard: LiveShardKey, ordinal: Int32) {
        self.shard = shard
        self.ordinal = ordinal
    }
}

/// What a request that is sent again is known by.
package struct LiveFingerprint: Hashable, Sendable {
    /// Whose it is.
    package var project: ProjectID
    /// SHA-256 of endpoint, model and body.
    package var sha256: [UInt8]

    /// What a request is known by.
    package init(project: ProjectID, sha256: [UInt8]) {
        self.project = project
        self.sha256 = sha256
    }
}

/// A live batch about to be opened; opening it again changes nothing.
package struct NewLiveBatch: Sendable {
    /// Its id, made by the coordinator.
    package var id: BatchID
    /// Who pays.
    package var project: ProjectID
    /// The API key whose requests it takes.
    package var key: Int64
    /// Where they go.
    package var endpoint: String
    /// The model that they name.
    package var model: String
    /// No call starts after so long.
    package var lifetime: Duration

    /// A live batch about to be opened.
    package init(
        id: BatchID, project: ProjectID, key: Int64, endpoint: String, model: String, lifetime: Duration
    ) {
        self.id = id
        self.project = project
        self.key = key
        self.endpoint = endpoint
        self.model = model
        self.lifetime = lifetime
    }
}

/// Held requests about to become a shard.
package struct NewLiveShard: Sendable {
    /// Its name.
    package var key: LiveShardKey
    /// What the requests are known by, in the order of the lines.
    package var fingerprints: [LiveFingerprint]
    /// The frame of ``LinePack``, not compressed.
    package var pack: [UInt8]

    /// Held requests about to become a shard.
    package init(key: LiveShardKey, fingerprints: [LiveFingerprint], pack: [UInt8]) {
        self.key = key
        self.fingerprints = fingerprints
        self.pack = pack
    }
}

/// What is to be inserted of the requests that no line was found for.
package struct LivePlan: Sendable {
    /// Batches that may not exist yet.
    package var opening: [NewLiveBatch]
    /// Their shards, and those of batches that are open.
    package var shards: [NewLiveShard]

    /// What is to be inserted.
    package init(opening: [NewLiveBatch], shards: [NewLiveShard]) {
        self.opening = opening
        self.shards = shards
    }
}

/// Thrown when somebody took this process for dead and sealed its live batches: nothing was written.
package struct LiveBatchSealed: Error, Hashable {
    /// Those that are sealed.
    package var batches: Set<BatchID>

    /// These are sealed.
    package init(batches: Set<BatchID>) {
        self.batches = batches
    }
}

/// Checkpoints with outcomes of held requests.
package struct LiveSegment: Sendable {
    /// The shard.
    package var shard: LiveShardKey
    /// The frame of ``SegmentPack``.
    package var frame: [UInt8]
}

/// Where the lines of a live shard stand, all its parts taken together.
package struct LiveShardState: Sendable {
    /// The shard.
    package var shard: LiveShardKey
    /// Lines with a recorded outcome.
    package var done: LineSet
    /// Lines that were dropped: nobody will call them.
    package var dropped: LineSet
}
