// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct SplitTests {
    private func lines(_ lines: some Sequence<Int>, of count: Int) -> LineSet {
        var set = LineSet(lineCount: count)
        for line in lines { set.insert(line) }
        return set
    }

    private func claimOne(_ test: TestStore, _ worker: WorkerID) async throws -> ClaimedShard {
        try #require(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
    }

    @Test func `what a holder gives away is ready at once, and together the parts finish the shard`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 10)
        let (first, second) = (WorkerID.random(), WorkerID.random())
        let held = try await claimOne(test, first)
        let moved = lines(6..<10, of: 10)
        #expect(try await test.store.splitShard(worker: first, held.lease, moved: held.moved, to: moved))

        let part = try await claimOne(test, second)
        #expect(part.lease.shard == ShardKey(batch: batch.id, number: 0, part: 1))
        #expect(part.moved == moved.complement && part.done.count == 0)
        #expect(part.pack == held.pack && part.lineCount == 10)
        try await test.finish([part], by: second)
        #expect(try await test.store.closeBatches() == 0, "the first part is still under way")

        let rest = try TestStore.checkpoint(held, sequence: 0, ordinals: Array(0..<6))
        #expect(try await test.store.record(worker: first, [rest], lease: .seconds(60)) == [held.lease])
        #expect(try await test.number("select count(*) from shards where state = 'done'") == 2)
        let found = try #require(try await test.store.findBatch(batch.id, project: test.project))
        #expect(found.counts == RequestCounts(total: 10, completed: 10, failed: 0))
        #expect(try await test.store.closeBatches() == 1)
        #expect(try await summary(of: batch.id, test) == [Array(0..<10)])
    }

    /// Ordinals found in the segments of each shard; their bitmap has to say the same.
    private func summary(of batch: BatchID, _ test: TestStore) async throws -> [[Int]] {
        try await test.store.readResults(of: batch) { reader in
            try reader.shards(0..<100).map { shard in
                var found: [Int] = []
                try reader.forEachSegment(ofShard: shard.number) {
                    found += try SegmentPack($0).outcomes.map(\.ordinal)
                }
                #expect(shard.done.lines == found.sorted())
                #expect(try LinePack(reader.lines(ofShard: shard.number)).lines.count == shard.lineCount)
                return found.sorted()
            }
        }
    }

    @Test func `a split whose commit is unknown is repeated and makes one part`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 8)
        let worker = WorkerID.random()
        let held = try await claimOne(test, worker)
        let (once, twice) = (lines(4..<8, of: 8), lines(2..<8, of: 8))
        for _ in 0..<3 {
            #expect(try await test.store.splitShard(worker: worker, held.lease, moved: held.moved, to: once))
        }
        for _ in 0..<2 {
            #expect(try await test.store.splitShard(worker: worker, held.lease, moved: once, to: twice))
        }
        #expect(try await test.number("select count(*) from shards") == 3)
        #expect(try await test.number("select sum(line_count - moved_count) from shards") == 8)
    }

    @Test func `a holder that gives everything away is done, also when it asks again`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 4)
        let worker = WorkerID.random()
        let held = try await claimOne(test, worker)
        let first = try TestStore.checkpoint(held, sequence: 0, ordinals: [0, 1])
        _ = try await test.store.record(worker: worker, [first], lease: .seconds(60))
        for _ in 0..<2 {
            #expect(
                try await test.store.splitShard(
                    worker: worker, held.lease, moved: held.moved, to: lines(2..<4, of: 4)))
        }
        #expect(try await test.store.renewLeases(worker: worker, [held.lease], lease: .seconds(60)).isEmpty)
        #expect(try await test.number("select count(*) from shards where state = 'done' and part = 0") == 1)
        try await test.finish([claimOne(test, worker)], by: worker)
        #expect(try await test.store.closeBatches() == 1)
    }

    @Test func `a lost lease splits nothing`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 4)
        let (old, new) = (WorkerID.random(), WorkerID.random())
        let held = try await claimOne(test, old)
        let half = lines(2..<4, of: 4)
        #expect(try await !test.store.splitShard(worker: new, held.lease, moved: held.moved, to: half))
        _ = try await test.store.releaseShards(worker: old, [held.lease])
        #expect(try await !test.store.splitShard(worker: old, held.lease, moved: held.moved, to: half))
        _ = try await claimOne(test, new)
        #expect(try await !test.store.splitShard(worker: old, held.lease, moved: held.moved, to: half))
        #expect(try await test.number("select count(*) from shards") == 1)
    }

    @Test func `lines with a result cannot be given away, and given lines cannot get a result here`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 6)
        let worker = WorkerID.random()
        let held = try await claimOne(test, worker)
        let first = try TestStore.checkpoint(held, sequence: 0, ordinals: [3])
        _ = try await test.store.record(worker: worker, [first], lease: .seconds(60))
        #expect(
            try await !test.store.splitShard(
                worker: worker, held.lease, moved: held.moved, to: lines(3..<6, of: 6)))
        #expect(try await test.store.splitShard(worker: worker, held.lease, moved: held.moved, to: lines(4..<6, of: 6)))
        let wrong = try TestStore.checkpoint(held, sequence: 1, ordinals: [2, 4], after: first.done)
        #expect(try await test.store.record(worker: worker, [wrong], lease: .seconds(60)).isEmpty)
        #expect(try await test.number("select sum(done_count) from shards") == 1)
        await #expect(throws: (any Error).self) {
            try await test.tamper("update shards set done = moved, done_count = 2, completed = 2 where part = 0")
        }
    }

    @Test func `parts of one shard that are split at the same time never share a line`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 2, lines: 200)
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<6 {
                group.addTask {
                    let worker = WorkerID.random()
                    var misses = 0
                    while misses < 5 {
                        let claims = try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60))
                        misses = claims.isEmpty ? misses + 1 : 0
                        for held in claims { try await work(test, worker, held) }
                    }
                }
            }
        }
        #expect(try await test.number("select count(*) from shards where state <> 'done'") == 0)
        #expect(try await test.number("select sum(done_count) from shards") == 400)
        #expect(try await summary(of: batch.id, test) == [Array(0..<200), Array(0..<200)])
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
        #expect(try await test.number(deadlocks) == 0)
    }

    /// Gives half of the rest away until little is left, then finishes it.
    private func work(_ test: TestStore, _ worker: WorkerID, _ held: ClaimedShard) async throws {
        var held = held
        while true {
            var gone = held.done
            gone.formUnion(held.moved)
            let rest = gone.complement.lines
            guard rest.count > 12 else { break }
            var moved = held.moved
            for line in rest.suffix(rest.count / 2) { moved.insert(line) }
            #expect(try await test.store.splitShard(worker: worker, held.lease, moved: held.moved, to: moved))
            held.moved = moved
        }
        try await test.finish([held], by: worker)
    }

    @Test func `what a cancelled batch has of its parts is read as one shard`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 2, lines: 9)
        let worker = WorkerID.random()
        let held = try await claimOne(test, worker)
        #expect(try await test.store.splitShard(worker: worker, held.lease, moved: held.moved, to: lines(3..<9, of: 9)))
        let part = try await claimOne(test, worker)
        #expect(part.lease.shard.part == 1)
        let checkpoints = [
            try TestStore.checkpoint(held, sequence: 0, ordinals: [2, 0]),
            try TestStore.checkpoint(part, sequence: 0, ordinals: [8, 4]),
        ]
        #expect(try await test.store.record(worker: worker, checkpoints, lease: .seconds(60)).count == 2)
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        let duty = try #require(
            try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        #expect(duty.shardCount == 2)
        #expect(try await summary(of: batch.id, test) == [[0, 2, 4, 8], []])
        let late = try TestStore.checkpoint(part, sequence: 1, ordinals: [5], after: checkpoints[1].done)
        #expect(try await test.store.record(worker: worker, [late], lease: .seconds(60)).isEmpty)
    }

    @Test func `hunger is announced only when another worker holds shards`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 1)
        let (holder, idle) = (WorkerID.random(), WorkerID.random())
        #expect(try await !test.store.announceHunger(worker: idle))
        _ = try await claimOne(test, holder)
        #expect(try await test.store.announceHunger(worker: idle))
        #expect(try await !test.store.announceHunger(worker: holder))
    }
}
