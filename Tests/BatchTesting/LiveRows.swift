// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchStore
internal import Logging
package import Postgres

/// Held requests without a desk: what a coordinator would write.
extension TestStore {
    /// What a request with that text is known by.
    package func fingerprint(_ text: String, of owner: ProjectID? = nil) -> LiveFingerprint {
        LiveFingerprint(project: owner ?? project, sha256: Array(text.utf8))
    }

    /// Opens a live batch, by `waiter`.
    package func openLive(
        waiter: Int64, key: Int64 = 1, of owner: ProjectID? = nil, model: String = "m",
        lifetime: Duration = .seconds(600)
    ) async throws -> BatchID {
        let batch = NewLiveBatch(
            id: .random(), project: owner ?? project, key: key, endpoint: "/v1/chat/completions", model: model,
            lifetime: lifetime)
        _ = try await store.addLive(waiter: waiter, [fingerprint("none")], kept: .seconds(600)) { _ in
            LivePlan(opening: [batch], shards: [])
        }
        return batch.id
    }

    /// Adds a shard of these requests whatever was sent before; returns the lines that a request found instead.
    @discardableResult
    package func addLive(
        _ texts: [String], to batch: BatchID, shard: Int32, waiter: Int64, of owner: ProjectID? = nil,
        kept: Duration = .seconds(600)
    ) async throws -> [Int: LiveLineKey] {
        let fingerprints = texts.map { fingerprint($0, of: owner) }
        let key = LiveShardKey(batch: batch, number: shard)
        return try await store.addLive(waiter: waiter, fingerprints, kept: kept) { found in
            let rest = fingerprints.indices.filter { found[$0] == nil }
            guard !rest.isEmpty else { return LivePlan(opening: [], shards: []) }
            return LivePlan(
                opening: [],
                shards: [
                    NewLiveShard(
                        key: key, fingerprints: rest.map { fingerprints[$0] },
                        pack: Self.pack(shard: Int(shard), lines: rest.count))
                ])
        }
    }

    /// A process that lives until it is closed: holds its lock on a connection of its own.
    package func liveProcess(_ waiter: Int64) async throws -> LiveProcess {
        let listener = try store.liveListener(
            channels: [Signals.live, Signals.shards], waiter: waiter, logger: Logger(label: "process"))
        let process = LiveProcess(listener: listener)
        for await notification in listener.notifications where notification.isReconnect { break }
        return process
    }
}

/// A process that holds its lock.
package struct LiveProcess: Sendable {
    /// Its connection.
    package let listener: NotificationListener

    /// As killed: PostgreSQL frees the lock.
    package func kill() async { await listener.close() }

    /// The next notification on a channel.
    package func next(_ channel: String) async -> String? {
        for await notification in listener.notifications where notification.channel == channel {
            return notification.payload
        }
        return nil
    }
}
