// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct PoisonTests {
    private let expire = """
        update shards set lease_until = clock_timestamp() - interval '1 second' where state = 'claimed';
        """
    private let hurry = "update shards set not_before = null where state = 'ready';"

    /// Lets a worker claim and die, or finish what it has when no poison is in it; returns the deaths.
    private func run(_ test: TestStore, poison: Int, untilDone limit: Int) async throws -> Int {
        var deaths = 0
        for _ in 0..<limit {
            let worker = WorkerID.random()
            let claims = try await test.store.claimShards(worker: worker, limit: 4, lease: .seconds(60))
            let deadly = claims.filter { !$0.moved.contains(poison) && !$0.done.contains(poison) }
            guard deadly.isEmpty else {
                deaths += 1
                try await test.tamper(expire)
                _ = try await test.store.rescueShards()
                try await test.tamper(hurry)
                continue
            }
            try await test.finish(claims, by: worker)
            if claims.isEmpty { break }
        }
        return deaths
    }

    @Test func `the line that kills is found in log2 steps, recorded once, and all others get their results`()
        async throws
    {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 256)
        let deaths = try await run(test, poison: 137, untilDone: 100)
        // One loss proves nothing; the next eight halve 256 lines to one; with the last it stands alone.
        #expect(deaths == 10)
        #expect(try await test.number("select count(*) from shards where state <> 'done'") == 0)
        let found = try #require(try await test.store.findBatch(batch.id, project: test.project))
        #expect(found.counts == RequestCounts(total: 256, completed: 255, failed: 1))
        let failed = try await test.store.readResults(of: batch.id) { reader in
            var failed: [Outcome] = []
            #expect(try reader.shards(0..<1).map(\.done.isFull) == [true])
            try reader.forEachSegment(ofShard: 0) {
                failed += try SegmentPack($0).outcomes.filter { $0.kind != .success }
            }
            return failed
        }
        #expect(failed.map(\.ordinal) == [137])
        let line = try #require(failed.first)
        #expect(Array(line.customID) == Array("\"0-137\"".utf8))
        guard case .noResponse(let code, let message) = line.kind else {
            Issue.record("a line that got no answer has no response")
            return
        }
        #expect(code == "worker_crashed" && message.contains("send the request again"))
        #expect(try await test.store.closeBatches() == 1)
    }

    @Test func `what dies with a deadly line, time and again, gets its results all the same`() async throws {
        let test = try await TestStore()
        let deadly = try await test.openBatch(shards: 1, lines: 16)
        let innocent = try await test.openBatch(shards: 6, lines: 1)
        for _ in 0..<40 {
            // A worker that dies whenever it holds line 5 of the first batch, with whatever else it holds.
            let worker = WorkerID.random()
            let claims = try await test.store.claimShards(worker: worker, limit: 7, lease: .seconds(60))
            if claims.contains(where: { $0.lease.shard.batch == deadly.id && !$0.moved.contains(5) }) {
                try await test.tamper(expire)
                _ = try await test.store.rescueShards()
                try await test.tamper(hurry)
            } else {
                try await test.finish(claims, by: worker)
            }
        }
        #expect(try await test.number("select count(*) from shards where state <> 'done'") == 0)
        let hurt = try await test.store.findBatch(deadly.id, project: test.project)
        #expect(hurt?.counts == RequestCounts(total: 16, completed: 15, failed: 1))
        let unhurt = try await test.store.findBatch(innocent.id, project: test.project)
        #expect(unhurt?.counts == RequestCounts(total: 6, completed: 6, failed: 0))
    }

    @Test func `a worker holds one suspect at a time`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 4, lines: 2)
        try await test.tamper("update shards set attempts = 2 where shard_no < 3")
        let (first, second) = (WorkerID.random(), WorkerID.random())
        let claims = try await test.store.claimShards(worker: first, limit: 4, lease: .seconds(60))
        #expect(claims.count == 2)
        #expect(try await test.store.claimShards(worker: first, limit: 4, lease: .seconds(60)).isEmpty)
        #expect(try await test.store.claimShards(worker: second, limit: 4, lease: .seconds(60)).count == 1)
        // What gives a result does not kill: the next suspect may come.
        let suspect = try #require(claims.first { $0.lease.shard.number < 3 })
        let progress = try TestStore.checkpoint(suspect, sequence: 0, ordinals: [0])
        _ = try await test.store.record(worker: first, [progress], lease: .seconds(60))
        #expect(try await test.store.claimShards(worker: first, limit: 4, lease: .seconds(60)).count == 1)
    }

    @Test func `a shard that gave results is not split when its worker is lost`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 8)
        for ordinal in 0..<5 {
            let worker = WorkerID.random()
            let held = try #require(
                try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
            let progress = try TestStore.checkpoint(held, sequence: 0, ordinals: [ordinal])
            _ = try await test.store.record(worker: worker, [progress], lease: .seconds(60))
            try await test.tamper(expire)
            #expect(try await test.store.rescueShards().map(\.fate) == [.ready])
            try await test.tamper(hurry)
        }
        #expect(try await test.number("select count(*) from shards") == 1)
    }

    @Test func `a damaged shard is not split, because no line of it can have killed anybody`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 8)
        try await test.tamper("update shards set lines = 'rubbish', attempts = 7")
        for _ in 0..<2 {
            let worker = WorkerID.random()
            #expect(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).count == 1)
            try await test.tamper(expire)
            #expect(try await test.store.rescueShards().map(\.fate) == [.ready])
            #expect(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).isEmpty)
            try await test.tamper(hurry)
        }
        #expect(try await test.number("select count(*) from shards") == 1)
    }

    @Test func `a suspect waits before it is claimed again, at most 30 s`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 1, lines: 1)
        try await test.tamper("update shards set attempts = 40")
        let worker = WorkerID.random()
        #expect(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).count == 1)
        try await test.tamper(expire)
        #expect(try await test.store.rescueShards(poisonAttempts: 100).map(\.fate) == [.ready])
        #expect(try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).isEmpty)
        let wait = "select extract(epoch from max(not_before) - clock_timestamp()) from shards"
        #expect((20...30).contains(try await test.number(wait)))
    }

    @Test func `rescuers at work at the same time split once and record once`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 8, lines: 4)
        _ = try await test.openBatch(shards: 8, lines: 1)
        try await test.tamper(
            """
            update shards set state = 'claimed', attempts = 3, epoch = 3, worker_id = 'worker_' || shard_no,
                lease_until = clock_timestamp() - interval '1 second'
            """)
        let fates = try await withThrowingTaskGroup(of: [RescuedShard.Fate].self) { group in
            for _ in 0..<6 { group.addTask { try await test.store.rescueShards().map(\.fate) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(fates.count { $0 == .split } == 8 && fates.count { $0 == .abandoned } == 8 && fates.count == 16)
        let mine = "from shards where batch_id = '\(batch.id)'"
        #expect(
            try await test.number("select count(*) \(mine) and state = 'ready' and line_count - moved_count = 2") == 16)
        #expect(try await test.number("select count(*) from segments") == 8)
    }
}
