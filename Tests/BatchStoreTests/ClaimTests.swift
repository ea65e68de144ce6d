// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct ClaimTests {
    @Test func `workers that claim at once never hold the same shard`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 60, lines: 2)
        let claims = try await withThrowingTaskGroup(of: [ClaimedShard].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let worker = WorkerID.random()
                    var mine: [ClaimedShard] = []
                    while true {
                        let more = try await test.store.claimShards(worker: worker, limit: 3, lease: .seconds(60))
                        if more.isEmpty { return mine }
                        mine += more
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claims.count == 60)
        #expect(Set(claims.map(\.lease.shard)).count == 60)
        #expect(claims.allSatisfy { $0.lease.epoch == 1 && $0.done.count == 0 })
        #expect(try claims.allSatisfy { try LinePack($0.pack).lines.count == 2 })
    }

    @Test func `a short batch overtakes a long one`() async throws {
        let test = try await TestStore()
        let long = try await test.openBatch(shards: 50, lines: 1)
        let worker = WorkerID.random()
        let first = try await test.store.claimShards(worker: worker, limit: 10, lease: .seconds(60))
        #expect(first.allSatisfy { $0.lease.shard.batch == long.id })
        let short = try await test.openBatch(shards: 1, lines: 1)
        let next = try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60))
        #expect(next.map(\.lease.shard.batch) == [short.id])
    }

    @Test func `drafts and shards of batches that stop are not claimed`() async throws {
        let test = try await TestStore()
        let draft = try await test.makeBatch()
        let duty = try await test.takeValidation(of: draft.id)
        let shard = DraftShard(number: 0, lineCount: 1, pack: TestStore.pack(shard: 0, lines: 1))
        #expect(try await test.store.insertDrafts(duty, [shard]))
        let cancelled = try await test.openBatch(shards: 1, lines: 1)
        _ = try await test.store.cancelBatch(cancelled.id, project: test.project)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).isEmpty)
    }

    @Test func `a lease that ran out is rescued with what is done, and the old holder is fenced`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 3)
        let (old, new) = (WorkerID.random(), WorkerID.random())
        let held = try #require(try await test.store.claimShards(worker: old, limit: 1, lease: .seconds(60)).first)
        let first = try TestStore.checkpoint(held, sequence: 0, ordinals: [1])
        #expect(try await test.store.record(worker: old, [first], lease: .seconds(60)) == [held.lease])
        try await test.tamper("update shards set lease_until = clock_timestamp() - interval '1 second'")
        #expect(try await test.store.rescueShards().map(\.worker) == [old])
        let late = try TestStore.checkpoint(held, sequence: 1, ordinals: [0, 2], after: first.done)
        #expect(try await test.store.record(worker: old, [late], lease: .seconds(60)).isEmpty)
        #expect(try await test.store.renewLeases(worker: old, [held.lease], lease: .seconds(60)).isEmpty)

        let again = try #require(try await test.store.claimShards(worker: new, limit: 1, lease: .seconds(60)).first)
        #expect(again.done.contains(1) && again.done.count == 1)
        #expect(again.lease.epoch > held.lease.epoch)
        #expect(try await test.store.record(worker: old, [late], lease: .seconds(60)).isEmpty)
        let rest = try TestStore.checkpoint(again, sequence: 0, ordinals: [0, 2])
        #expect(try await test.store.record(worker: new, [rest], lease: .seconds(60)) == [again.lease])
        let found = try #require(try await test.store.findBatch(batch.id, project: test.project))
        #expect(found.counts == RequestCounts(total: 3, completed: 3, failed: 0))
    }

    @Test func `repeating a checkpoint whose commit is unknown counts nothing twice`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 4)
        let worker = WorkerID.random()
        let held = try #require(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
        let first = try TestStore.checkpoint(held, sequence: 0, ordinals: [0, 3])
        let last = try TestStore.checkpoint(held, sequence: 1, ordinals: [1, 2], after: first.done)
        for checkpoint in [first, first, last, last] {
            #expect(try await test.store.record(worker: worker, [checkpoint], lease: .seconds(60)) == [held.lease])
        }
        let found = try #require(try await test.store.findBatch(batch.id, project: test.project))
        #expect(found.counts.completed == 4)
        #expect(found.usage.totalTokens == 4)
        #expect(try await test.number("select count(*) from segments") == 2)
    }

    @Test func `batches that a worker cannot serve are passed over`() async throws {
        let test = try await TestStore()
        let first = try await test.openBatch(shards: 2, lines: 1)
        let second = try await test.openBatch(shards: 2, lines: 1)
        let claims = try await test.store.claimShards(
            worker: .random(), limit: 9, lease: .seconds(60), excluding: [first.id])
        #expect(claims.map(\.lease.shard.batch) == [second.id, second.id])
    }

    @Test func `a damaged shard does not take the others of its claim with it`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 3, lines: 1)
        try await test.tamper("update shards set lines = 'rubbish' where shard_no = 1")
        let claims = try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60))
        #expect(claims.map { (try? LinePack($0.pack))?.lines.count } == [1, nil, 1])
    }

    @Test func `a released shard is ready at once and keeps its results`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 2)
        let worker = WorkerID.random()
        let held = try #require(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
        let first = try TestStore.checkpoint(held, sequence: 0, ordinals: [1])
        _ = try await test.store.record(worker: worker, [first], lease: .seconds(60))
        #expect(try await test.store.releaseShards(worker: worker, [held.lease]) == 1)
        #expect(try await test.store.releaseShards(worker: worker, [held.lease]) == 0)
        let again = try #require(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
        #expect(again.done.contains(1) && !again.done.contains(0))
    }

    @Test func `a renewal tells that the batch was cancelled`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 1)
        let worker = WorkerID.random()
        let held = try #require(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
        let before = try await test.store.renewLeases(worker: worker, [held.lease], lease: .seconds(60))
        #expect(before.map(\.batchStatus) == [.inProgress])
        #expect((86_000...86_400).contains(before.first?.secondsLeft ?? 0))
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        let after = try await test.store.renewLeases(worker: worker, [held.lease], lease: .seconds(60))
        #expect(after.map(\.batchStatus) == [.cancelling])
    }
}

@Suite struct LockOrderTests {
    @Test func `renewing and recording many shards at once never wait for each other in a circle`() async throws {
        let test = try await TestStore()
        for _ in 0..<4 { _ = try await test.openBatch(shards: 10, lines: 20) }
        let worker = WorkerID.random()
        let held = try await test.store.claimShards(worker: worker, limit: 40, lease: .seconds(60))
        let leases = held.map(\.lease)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                var done = held.map(\.done)
                for line in 0..<20 {
                    let checkpoints = try held.indices.shuffled().map { index in
                        let next = try TestStore.checkpoint(
                            held[index], sequence: Int32(line), ordinals: [line], after: done[index])
                        done[index] = next.done
                        return next
                    }
                    #expect(try await test.store.record(worker: worker, checkpoints, lease: .seconds(60)).count == 40)
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<20 {
                        _ = try await test.store.renewLeases(worker: worker, leases.shuffled(), lease: .seconds(60))
                    }
                }
            }
        }
        let deadlocks = try await test.number(
            "select deadlocks from pg_stat_database where datname = current_database()")
        #expect(deadlocks == 0)
    }
}
