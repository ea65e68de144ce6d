// SPDX-License-Identifier: Apache-2.0

internal import BatchStore
internal import Logging

/// Frees shards whose worker let the lease run out, with what is done of them; forgets silent workers.
struct ShardRescuer: Sendable {
    let store: Store
    let workerSilence: Duration
    let logger: Logger

    /// One bounded pass.
    func poll() async throws -> Duration? {
        let rescued = try await store.rescueShards()
        for (shard, worker) in rescued {
            logger.warning(
                "a lease ran out; the shard is ready again", metadata: ["shard": "\(shard)", "worker": "\(worker)"])
        }
        let pruned = try await store.pruneWorkers(silence: workerSilence)
        if pruned > 0 { logger.warning("forgot silent workers", metadata: ["count": "\(pruned)"]) }
        return nil
    }
}
