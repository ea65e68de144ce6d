// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// Who gets a line that was made of the same request before.
@Suite struct LiveAttachTests {
    private let me: Int64 = 7_000_000_000_001

    private func count(_ test: TestStore, _ condition: String) async throws -> Int64 {
        try await test.number("select count(*) from live_requests where \(condition)")
    }

    @Test func `requests become lines that a worker claims, and the workers are told`() async throws {
        let test = try await TestStore()
        let process = try await test.liveProcess(me)
        let batch = try await test.openLive(waiter: me, key: 5)
        let found = try await test.addLive(["a", "b"], to: batch, shard: 0, waiter: me)
        #expect(found.isEmpty)
        #expect(await process.next(Signals.shards) == Signals.liveShards)
        let claim = try #require(
            try await test.store.claimShards(worker: .random(), limit: 1, lease: .seconds(60), upTo: .live).first)
        #expect(claim.lane == .live && claim.lineCount == 2 && claim.model == "m" && claim.project == test.project)
        #expect(claim.lease.shard == ShardKey(batch: batch, number: 0))
        #expect(try await count(test, "waiter = \(me) and orphaned_at is null") == 2)
        await process.kill()
    }

    @Test func `a line that nobody waits for goes to one of those who ask for it at once`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "a", "b"], to: batch, shard: 0, waiter: me)
        let lines = (0..<3).map { LiveLineKey(shard: .init(batch: batch, number: 0), ordinal: $0) }
        try await test.store.orphanLive(waiter: me, lines, dropAfter: .seconds(60))
        let found = try await withThrowingTaskGroup(of: [LiveLineKey].self) { group in
            for _ in 1...8 {
                group.addTask {
                    let all = try await test.store.addLive(
                        waiter: 1, [test.fingerprint("a")], kept: .seconds(600)
                    ) { _ in LivePlan(opening: [], shards: []) }
                    return Array(all.values)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(found.count == 2 && Set(found) == Set(lines.prefix(2)))
        #expect(try await count(test, "waiter = 1 and orphaned_at is null and drop_at is null") == 2)
        #expect(try await count(test, "waiter is null") == 1)
    }

    @Test func `whose waiter lives keeps its line; whose process was killed loses it at once`() async throws {
        let test = try await TestStore()
        let process = try await test.liveProcess(me)
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        let other = try await test.openLive(waiter: 2)
        #expect(try await test.addLive(["a"], to: other, shard: 0, waiter: 2).isEmpty)
        #expect(try await test.addLive(["a"], to: batch, shard: 1, waiter: me).keys.sorted() == [0])
        #expect(try await count(test, "waiter = 2") == 0, "2 holds no lock: it is dead, and its line is taken over")
        await process.kill()
        let orphan = try await eventually("the lock is free") {
            let found = try await test.addLive(["a"], to: other, shard: 1, waiter: 2)
            return found.isEmpty ? nil : found
        }
        #expect([batch, other].contains(try #require(orphan[0]).shard.batch))
    }

    @Test func `lines of other projects, other bodies and those kept long enough are not found`() async throws {
        let test = try await TestStore()
        let stranger = try await test.store.ensureProject(name: "stranger")
        let batch = try await test.openLive(waiter: me)
        let other = try await test.openLive(waiter: 2, of: stranger)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        let line = LiveLineKey(shard: .init(batch: batch, number: 0), ordinal: 0)
        try await test.store.orphanLive(waiter: me, [line], dropAfter: .seconds(60))
        #expect(try await test.addLive(["a"], to: other, shard: 0, waiter: 2, of: stranger).isEmpty)
        #expect(try await test.addLive(["b"], to: batch, shard: 1, waiter: me).isEmpty)
        try await test.tamper("update live_requests set orphaned_at = orphaned_at - interval '1 hour'")
        #expect(try await test.addLive(["a"], to: batch, shard: 2, waiter: me).isEmpty)
        #expect(try await test.addLive(["a"], to: batch, shard: 3, waiter: me, kept: .seconds(7_200)).count == 1)
    }

    @Test func `a line that somebody is busy with is waited for`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        // As the duty that finds dead processes does.
        let busy = Task {
            try await test.tamper(
                """
                begin; update live_requests set waiter = null, orphaned_at = clock_timestamp();
                select pg_sleep(1); commit
                """)
        }
        try await eventually("it is locked") {
            let busy = try await test.number(
                "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()")
            return busy == 1 ? true : nil
        }
        #expect(try await test.addLive(["a"], to: batch, shard: 1, waiter: 3).count == 1)
        try await busy.value
        #expect(try await count(test, "waiter = 3") == 1)
    }

    @Test func `a sealed batch takes nothing more, and nothing of the transaction stays`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        #expect(try await test.store.orphanDead(by: 99, dropAfter: .zero) == 1)
        await #expect(throws: LiveBatchSealed(batches: [batch])) {
            try await test.addLive(["x"], to: batch, shard: 1, waiter: me)
        }
        #expect(try await test.number("select count(*) from shards") == 1)
        #expect(try await count(test, "waiter is null and drop_at is not null") == 1)
    }

    @Test func `after a transaction of unknown fate a process waits for what it knows of only`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a", "b"], to: batch, shard: 0, waiter: me)
        let known = LiveLineKey(shard: .init(batch: batch, number: 0), ordinal: 1)
        try await test.store.keepLive(waiter: me, only: [known], dropAfter: .seconds(60))
        #expect(try await count(test, "waiter = \(me) and ordinal = 1") == 1)
        #expect(try await count(test, "waiter is null and ordinal = 0 and orphaned_at is not null") == 1)
        #expect(try await test.addLive(["a"], to: batch, shard: 1, waiter: me)[0]?.ordinal == 0)
        try await test.store.leaveLive(waiter: me, dropAfter: .seconds(60))
        #expect(try await count(test, "waiter is null") == 2)
        #expect(try await test.number("select count(*) from live_batches where sealed_at is null") == 0)
        try await test.store.reclaimLive(waiter: me, [known])
        #expect(try await count(test, "waiter = \(me) and orphaned_at is null and drop_at is null") == 1)
        try await test.store.forgetLive(waiter: me, [known])
        #expect(try await count(test, "true") == 1)
    }
}
