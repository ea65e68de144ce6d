// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct SchedulingTests {
    private func claim(
        _ test: TestStore, _ limit: Int, by worker: WorkerID = .random(), excluding: [BatchID] = []
    ) async throws -> [ClaimedShard] {
        try await test.store.claimShards(worker: worker, limit: limit, lease: .seconds(60), excluding: excluding)
    }

    private func batches(_ claims: [ClaimedShard]) -> [BatchID] { claims.map(\.lease.shard.batch) }

    @Test func `a short batch is in the next claim, however long the batch of another project is`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        let long = try await test.openBatch(shards: 1_000, lines: 2)
        #expect(try await batches(claim(test, 64)).allSatisfy { $0 == long.id })
        let short = try await test.openBatch(shards: 1, lines: 2, of: other)
        #expect(try await batches(claim(test, 4)).contains(short.id))
    }

    @Test func `one claim spreads over projects, and within a project over batches`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        let first = try await test.openBatch(shards: 20, lines: 1)
        let second = try await test.openBatch(shards: 20, lines: 1)
        let third = try await test.openBatch(shards: 20, lines: 1, of: other)
        let claims = try await claim(test, 8)
        let counts = Dictionary(grouping: batches(claims)) { $0 }.mapValues(\.count)
        #expect(counts == [first.id: 2, second.id: 2, third.id: 4])
        #expect(claims.first { $0.lease.shard.batch == third.id }?.project == other)
    }

    @Test func `who has less claimed is filled up first, and what one cannot use goes to the others`() async throws {
        let test = try await TestStore()
        let (b, c) = (
            try await test.store.ensureProject(name: "b"), try await test.store.ensureProject(name: "c")
        )
        _ = try await test.openBatch(shards: 50, lines: 4)
        _ = try await claim(test, 6)
        let second = try await test.openBatch(shards: 50, lines: 4, of: b)
        let third = try await test.openBatch(shards: 2, lines: 4, of: c)
        let counts = Dictionary(grouping: try await batches(claim(test, 8))) { $0 }.mapValues(\.count)
        #expect(counts == [second.id: 6, third.id: 2])
    }

    @Test func `lanes come before priorities, priorities before urgency`() async throws {
        let test = try await TestStore()
        let background = try await test.openBatch(shards: 1, lines: 1, lane: .background, priority: 100)
        let late = try await test.openBatch(shards: 1, lines: 1)
        let urgent = try await test.openBatch(shards: 1, lines: 1)
        let low = try await test.openBatch(shards: 1, lines: 1, priority: -100)
        let high = try await test.openBatch(shards: 1, lines: 1, priority: 7)
        let live = try await test.openBatch(shards: 1, lines: 1, lane: .live, priority: -100)
        try await test.tamper("update batches set urgent = true where id in ('\(urgent.id)', '\(low.id)')")
        var order: [BatchID] = []
        for _ in 0..<6 { order += try await batches(claim(test, 1)) }
        #expect(order == [live, high, urgent, late, low, background].map(\.id))
    }

    @Test func `a claim says what it was chosen by`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 3, lane: .background, priority: -7)
        try await test.tamper("update batches set urgent = true")
        let held = try #require(try await claim(test, 1).first)
        #expect(held.lane == .background && held.priority == -7 && held.isUrgent && held.project == test.project)
        #expect(held.lease.shard == ShardKey(batch: batch.id, number: 0) && held.moved.count == 0)
    }

    @Test func `a paused batch is not claimed, and its holders hear of it`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 2, lines: 1)
        let worker = WorkerID.random()
        let held = try await claim(test, 1, by: worker).map(\.lease)
        try await test.tamper("update batches set paused_at = clock_timestamp()")
        #expect(try await claim(test, 9).isEmpty)
        let renewals = try await test.store.renewLeases(worker: worker, held, lease: .seconds(60))
        #expect(renewals.map(\.isPaused) == [true] && renewals.map(\.batchStatus) == [.inProgress])
        try await test.tamper("update batches set paused_at = null")
        #expect(try await claim(test, 9).count == 1)
    }

    @Test func `caps of a project and of a model are kept, and the others go on`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        let first = try await test.openBatch(shards: 20, lines: 10, priority: 9)
        let second = try await test.openBatch(shards: 20, lines: 10, of: other, model: "large")
        try await test.tamper(
            """
            update projects set claimed_lines_max = 25 where id = '\(test.project)';
            insert into model_caps values ('large', 40)
            """)
        let worker = WorkerID.random()
        let claims = try await claim(test, 20, by: worker)
        let counts = Dictionary(grouping: batches(claims)) { $0 }.mapValues(\.count)
        #expect(counts == [first.id: 3, second.id: 4])
        #expect(try await claim(test, 20).isEmpty)
        try await test.finish([try #require(claims.first)], by: worker)
        #expect(try await batches(claim(test, 20)) == [first.id])
    }

    @Test func `a full claim is found although some batches have few shards left`() async throws {
        let test = try await TestStore()
        for _ in 0..<5 { _ = try await test.openBatch(shards: 1, lines: 1) }
        _ = try await test.openBatch(shards: 30, lines: 1)
        #expect(try await claim(test, 16).count == 16)
        #expect(try await claim(test, 64).count == 19)
    }

    @Test func `workers that claim at once from many batches get every shard once`() async throws {
        let test = try await TestStore()
        for index in 0..<6 {
            let owner = try await test.store.ensureProject(name: "p\(index % 3)")
            _ = try await test.openBatch(shards: 25, lines: 1, of: owner, priority: Int16(index % 2))
        }
        let keys = try await withThrowingTaskGroup(of: [ShardKey].self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let worker = WorkerID.random()
                    var mine: [ShardKey] = []
                    var misses = 0
                    while misses < 3 {
                        let claims = try await claim(test, 4, by: worker)
                        misses = claims.isEmpty ? misses + 1 : 0
                        mine += claims.map(\.lease.shard)
                        try await test.finish(claims, by: worker)
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(keys.count == 150 && Set(keys).count == 150)
        #expect(try await test.number("select count(*) from shards where state <> 'done'") == 0)
    }
}
