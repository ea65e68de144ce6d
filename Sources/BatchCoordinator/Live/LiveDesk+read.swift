// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Logging
internal import Loops
internal import Synchronization

// Giving answers.
extension LiveDesk {
    /// A notification came, or the connection was made anew: then nobody knows what was missed.
    func hear(_ payload: String, isReconnect: Bool) {
        if isReconnect {
            let isFirst = news.withLock { news in
                defer { news.isConnected = true }
                return !news.isConnected
            }
            if isFirst { return addWake.wake() }
            // Others may have taken this process for dead meanwhile.
            news.withLock { news in
                news.isDoubted = true
                news.patientUntil = .now + LiveConfiguration.reconnectMax
            }
            tendWake.wake()
            return look(at: Set(holds.withLock { $0.shards }))
        }
        let heard = LiveNews(payload: payload).segments
        let mine = holds.withLock { holds in
            heard.filter { holds.waits(for: LiveShardKey(batch: $0.shard.batch, number: $0.shard.number)) }
        }
        guard !mine.isEmpty else { return }
        news.withLock { $0.hear(mine) }
        readWake.wake()
    }

    /// Looks soon at how these shards stand.
    func look(at shards: Set<LiveShardKey>) {
        guard !shards.isEmpty else { return }
        news.withLock { $0.look(at: shards) }
        readWake.wake()
    }

    /// Reads what was heard of, and gives the answers; comes again at once when there is more.
    func read() async throws -> Duration? {
        let segments = news.withLock { $0.takeSegments(max: LiveConfiguration.readMax) }
        do {
            try await deliver(store.readLive(segments))
        } catch {
            news.withLock { $0.hear(segments) }
            throw error
        }
        let shards = news.withLock { $0.takeShards(max: LiveConfiguration.scanMax) }
        do {
            try await scan(shards)
        } catch {
            look(at: Set(shards))
            throw error
        }
        return news.withLock { $0.isEmpty } ? nil : .zero
    }

    private func deliver(_ segments: [LiveSegment]) {
        for segment in segments {
            do {
                for outcome in try SegmentPack(segment.frame).outcomes {
                    settle(LiveLineKey(shard: segment.shard, ordinal: Int32(outcome.ordinal))) {
                        try LiveAnswer(outcome, retryAfterSeconds: configuration.retryAfterSeconds)
                    }
                }
            } catch {
                logger.error(
                    "the outcomes of held requests cannot be read; they are told to come again when their time is over",
                    metadata: [
                        "batch": "\(segment.shard.batch)", "shard": "\(segment.shard.number)", "error": "\(error)",
                    ])
            }
        }
    }

    private func settle(_ line: LiveLineKey, _ answer: () throws -> LiveAnswer) {
        let result = Result { try answer() }
        holds.withLock { $0.answer(line, result) }?.give()
    }

    /// Looks at how shards stand that may have news, whatever was said of them.
    private func scan(_ shards: [LiveShardKey]) async throws {
        guard !shards.isEmpty else { return }
        // A shard that is inserted while the statement runs is not in its answer, and not dropped either.
        let placed = holds.withLock { holds in shards.map { (shard: $0, ordinals: holds.placedOrdinals(of: $0)) } }
        let states = try await store.scanLive(shards)
        var due: [LiveShardKey] = []
        for state in states {
            let waited = holds.withLock { $0.ordinals(of: state.shard) }
            if waited.contains(where: { state.done.contains(Int($0)) }) { due.append(state.shard) }
            for ordinal in waited where state.dropped.contains(Int(ordinal)) {
                settle(LiveLineKey(shard: state.shard, ordinal: ordinal)) { throw LiveFault.dropped }
            }
        }
        let found = Set(states.map(\.shard))
        for (shard, ordinals) in placed where !found.contains(shard) {
            for ordinal in ordinals {
                settle(LiveLineKey(shard: shard, ordinal: ordinal)) { throw LiveFault.dropped }
            }
        }
        try await deliver(store.readLive(shards: due))
    }
}
