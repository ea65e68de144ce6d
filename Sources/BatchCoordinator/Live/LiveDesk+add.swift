// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchStore
internal import Loops
internal import Synchronization

// Taking requests in: one transaction at a time, with all that came meanwhile.
extension LiveDesk {
    /// Takes in what waits; comes again at once when there is more.
    func add() async throws -> Duration? {
        // Until the lock is held this process seems dead.
        guard news.withLock({ $0.isConnected }) else { return nil }
        if news.withLock({ $0.isUncertain }) { try await reconcile() }
        // A request that is sent again comes after what was sent before has been let go.
        try await settleOrphaned()
        let taken = holds.withLock {
            $0.take(max: LiveConfiguration.groupMax, bytesMax: LiveConfiguration.groupBytesMax)
        }
        guard !taken.isEmpty else { return nil }
        let numbers = taken.map(\.number)
        do {
            let found = try await store.addLive(
                waiter: waiter, taken.map(\.hold.fingerprint), kept: configuration.answersKept
            ) { found in
                try self.plan(taken, found)
            }
            batches.withLock { $0.opened(touched(numbers)) }
            holds.withLock { $0.commit(numbers) }
            // What was begun before may have an outcome already.
            look(at: Set(found.values.map(\.shard)))
        } catch let sealed as LiveBatchSealed {
            batches.withLock { $0.abandon(sealed.batches) }
            holds.withLock { $0.giveBack(numbers) }
            return .zero
        } catch {
            // Whether it was committed is unknown: what came of it is found like anything that was sent before.
            batches.withLock { $0.abandon(touched(numbers)) }
            holds.withLock { $0.giveBack(numbers) }
            news.withLock { $0.isUncertain = true }
            throw error
        }
        return holds.withLock { $0.hasWaiting || !$0.orphaned.isEmpty } ? .zero : nil
    }

    /// The batches that requests became lines of.
    private func touched(_ numbers: [Int]) -> Set<BatchID> {
        holds.withLock { holds in Set(numbers.compactMap { holds.line(of: $0)?.shard.batch }) }
    }

    /// After a transaction of unknown fate: this process waits for the lines that it knows of, and for no others.
    private func reconcile() async throws {
        // What was answered is nobody's to be found again.
        try await settleAnswered(all: true)
        let known = holds.withLock { $0.placed }
        try await store.keepLive(waiter: waiter, only: known, dropAfter: configuration.abandonAfter)
        news.withLock { $0.isUncertain = false }
    }

    /// Says what becomes of requests that no line was found for. Run anew when the transaction is.
    private func plan(
        _ taken: [(number: Int, hold: LiveHolds.Hold)], _ found: [Int: LiveLineKey]
    ) throws -> LivePlan {
        // Of a line that is waited for here already others only thought that nobody does.
        let numbers = Set(taken.map(\.number))
        let found = holds.withLock { holds in found.filter { !holds.waits(for: $0.value, except: numbers) } }
        var opening: [BatchID: NewLiveBatch] = [:]
        var shards: [NewLiveShard] = []
        var places: [(number: Int, line: LiveLineKey)] = found.map { (taken[$0.key].number, $0.value) }
        let rest = taken.indices.filter { found[$0] == nil }
        // In the order in which they came, also between parties.
        var seen: Set<LiveHolds.Party> = []
        let order = rest.map { taken[$0].hold.party }.filter { seen.insert($0).inserted }
        let byParty = Dictionary(grouping: rest) { taken[$0].hold.party }
        for party in order {
            for run in runs(byParty[party] ?? [], taken) {
                let (key, isNew) = batches.withLock { $0.nextShard(of: party, at: .now) }
                if isNew {
                    opening[key.batch] = NewLiveBatch(
                        id: key.batch, project: party.project, key: party.key, endpoint: party.endpoint,
                        model: party.model, lifetime: configuration.wait + LiveConfiguration.openMax)
                }
                for (ordinal, index) in run.enumerated() {
                    places.append((taken[index].number, LiveLineKey(shard: key, ordinal: Int32(ordinal))))
                }
                shards.append(
                    NewLiveShard(
                        key: key, fingerprints: run.map { taken[$0].hold.fingerprint }, pack: pack(run, taken)))
            }
        }
        holds.withLock { [places] holds in
            holds.unplace(taken.map(\.number))
            for (number, line) in places { holds.place(number, at: line) }
        }
        return LivePlan(opening: Array(opening.values), shards: shards)
    }

    /// Cuts requests into shards.
    private func runs(_ indices: [Int], _ taken: [(number: Int, hold: LiveHolds.Hold)]) -> [[Int]] {
        var runs: [[Int]] = []
        var bytes = 0
        for index in indices {
            let size = taken[index].hold.body.count
            let fits =
                bytes + size <= configuration.shardBytes && runs.last.map(\.count) ?? 0 < configuration.shardLines
            if runs.isEmpty || !fits {
                runs.append([])
                bytes = 0
            }
            runs[runs.count - 1].append(index)
            bytes += size
        }
        return runs
    }

    private func pack(_ run: [Int], _ taken: [(number: Int, hold: LiveHolds.Hold)]) -> [UInt8] {
        var builder = LinePackBuilder(linesMax: run.count, bytesMax: .max)
        for (ordinal, index) in run.enumerated() {
            // Nobody is told the id of a held request: its place is enough.
            Array("\"\(ordinal)\"".utf8).withUnsafeBytes { id in
                taken[index].hold.body.withUnsafeBytes { body in
                    builder.append(number: ordinal + 1, endpoint: nil, customID: id, body: body)
                }
            }
        }
        return builder.finish()
    }
}
