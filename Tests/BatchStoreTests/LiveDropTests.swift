// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// Lines that nobody waits for any more, and the end of live batches.
@Suite struct LiveDropTests {
    private let me: Int64 = 7_000_000_000_002

    private func lines(_ batch: BatchID, _ ordinals: [Int32], shard: Int32 = 0) -> [LiveLineKey] {
        ordinals.map { LiveLineKey(shard: .init(batch: batch, number: shard), ordinal: $0) }
    }

    private func claim(_ test: TestStore, by worker: WorkerID, limit: Int = 8) async throws -> [ClaimedShard] {
        try await test.store.claimShards(worker: worker, limit: limit, lease: .seconds(60))
    }

    @Test func `a line that still waits is dropped in time, and the others of its shard are run`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "b", "c"], to: batch, shard: 0, waiter: me)
        try await test.store.orphanLive(waiter: me, lines(batch, [1]), dropAfter: .seconds(60))
        #expect(try await test.store.dropAbandoned() == 0)
        try await test.tamper("update live_requests set drop_at = clock_timestamp() where drop_at is not null")
        #expect(try await test.store.dropAbandoned() == 1)
        #expect(try await test.number("select count(*) from live_requests") == 2)
        let worker = WorkerID.random()
        let claim = try #require(try await claim(test, by: worker).first)
        #expect(claim.moved.lines == [1])
        let states = try await test.store.scanLive([.init(batch: batch, number: 0)])
        #expect(states.map(\.dropped.lines) == [[1]] && states.map(\.done.count) == [0])
        try await test.finish([claim], by: worker)
        #expect(try await test.number("select count(*) from shards where state = 'done' and done_count = 2") == 1)
    }

    @Test func `a shard of which everything was dropped is done and is not claimed`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "b"], to: batch, shard: 0, waiter: me)
        try await test.store.orphanLive(waiter: me, lines(batch, [0, 1]), dropAfter: .zero)
        #expect(try await test.store.dropAbandoned() == 2)
        #expect(try await claim(test, by: .random()).isEmpty)
        #expect(try await test.store.dropAbandoned() == 0)
        try await test.store.sealLive([batch])
        #expect(try await test.store.completeLive() == 1)
        #expect(try await test.number("select total from batches where status = 'completed'") == 0)
    }

    @Test func `a line that a worker has taken is kept for the same request sent again`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        let worker = WorkerID.random()
        let claims = try await claim(test, by: worker)
        try await test.store.orphanLive(waiter: me, lines(batch, [0]), dropAfter: .zero)
        #expect(try await test.store.dropAbandoned() == 1)
        #expect(try await test.store.dropAbandoned() == 0)
        try await test.finish(claims, by: worker)
        #expect(try await test.addLive(["a"], to: batch, shard: 1, waiter: me).count == 1)
        #expect(try await test.store.scanLive([.init(batch: batch, number: 0)]).map(\.done.lines) == [[0]])
    }

    @Test func `parts of a shard keep their own lines, whichever are dropped`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "b", "c", "d"], to: batch, shard: 0, waiter: me)
        let worker = WorkerID.random()
        let held = try #require(try await claim(test, by: worker).first)
        var half = LineSet(lineCount: 4)
        for line in [2, 3] { half.insert(line) }
        #expect(try await test.store.splitShard(worker: worker, held.lease, moved: LineSet(lineCount: 4), to: half))
        // 1 is in the worker's hands, 3 waits in the new part.
        try await test.store.orphanLive(waiter: me, lines(batch, [1, 3]), dropAfter: .zero)
        #expect(try await test.store.dropAbandoned() == 2)
        let state = try #require(try await test.store.scanLive([.init(batch: batch, number: 0)]).first)
        #expect(state.dropped.lines == [3])
        let part = try #require(try await claim(test, by: worker).first)
        #expect(part.lease.shard.part == 1 && part.moved.lines == [0, 1, 3])
        // What the worker gives back can be dropped later; what it lost is rescued with what was dropped left out.
        #expect(try await test.store.releaseShards(worker: worker, [held.lease]) == 1)
        try await test.store.orphanLive(waiter: me, lines(batch, [0]), dropAfter: .zero)
        #expect(try await test.store.dropAbandoned() == 1)
        try await test.tamper("update shards set lease_until = clock_timestamp() where state = 'claimed'")
        #expect(try await test.store.rescueShards().count == 1)
        let rest = try await claim(test, by: worker)
        let open = rest.map { $0.done.complement.subtracting($0.moved).lines }
        #expect(Set(open) == [[1], [2]])
        try await test.finish(rest, by: worker)
        #expect(try await test.number("select count(*) from shards where state <> 'done'") == 0)
    }

    @Test func `a sealed batch ends with its counts, and is deleted when its answers were kept`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "b"], to: batch, shard: 0, waiter: me)
        let worker = WorkerID.random()
        let claims = try await claim(test, by: worker)
        #expect(try await test.store.completeLive() == 0)
        try await test.store.sealLive([batch])
        #expect(try await test.store.completeLive() == 0, "its shard is in a worker's hands")
        try await test.finish(claims, by: worker)
        #expect(try await test.store.completeLive() == 1)
        #expect(try await test.number("select completed from batches where status = 'completed' and total = 2") == 2)
        #expect(try await test.number("select count(*) from events") == 0)
        #expect(try await !test.store.deleteLive(kept: .seconds(600)))
        try await test.tamper("update batches set completed_at = completed_at - interval '11 minutes'")
        #expect(try await !test.store.deleteLive(kept: .seconds(600)), "a request of it is waited for")
        try await test.store.orphanLive(waiter: me, lines(batch, [0, 1]), dropAfter: .zero)
        while try await test.store.deleteLive(kept: .seconds(600)) {}
        for table in ["batches", "live_batches", "live_requests", "shards", "segments"] {
            #expect(try await test.number("select count(*) from \(table)") == 0, "\(table)")
        }
    }

    @Test func `a batch whose time is over ends, and who held its shards is fenced`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        try await test.addLive(["b"], to: batch, shard: 1, waiter: me)
        let worker = WorkerID.random()
        let held = try await claim(test, by: worker, limit: 1)
        try await test.tamper("update batches set expires_at = clock_timestamp()")
        #expect(try await test.store.completeLive() == 1)
        await #expect(throws: (any Error).self) { try await test.finish(held, by: worker) }
        let states = try await test.store.scanLive([
            .init(batch: batch, number: 0), .init(batch: batch, number: 1),
        ])
        #expect(states.map(\.dropped.count) == [1, 1])
    }
}
