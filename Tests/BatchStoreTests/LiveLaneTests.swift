// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// Live batches among users' batches: fair, first, told at once, and seen by nobody.
@Suite struct LiveLaneTests {
    private let me: Int64 = 7_000_000_000_003

    private func claim(
        _ test: TestStore, _ limit: Int, by worker: WorkerID = .random(), upTo lane: Lane = .background
    ) async throws -> [ClaimedShard] {
        try await test.store.claimShards(worker: worker, limit: limit, lease: .seconds(60), upTo: lane)
    }

    @Test func `users meet no live batch, and no room of theirs touches one`() async throws {
        let test = try await TestStore()
        let batch = try await test.openLive(waiter: me)
        #expect(try await test.store.findBatch(batch, project: test.project) == nil)
        let page = try await test.store.listBatches(project: test.project, after: nil, limit: 100)
        #expect(page.elements.isEmpty)
        var filter = BatchFilter()
        filter.statuses = [.inProgress, .completed]
        let filtered = try await test.store.listBatches(
            project: test.project, after: nil, limit: 100, filter: filter)
        #expect(filtered.elements.isEmpty)
        await #expect(throws: BatchError.self) {
            try await test.store.listBatches(project: test.project, after: batch, limit: 1)
        }
        await #expect(throws: BatchError.self) { try await test.store.cancelBatch(batch, project: test.project) }
        await #expect(throws: BatchError.self) { try await test.store.pauseBatch(batch, project: test.project) }
        await #expect(throws: BatchError.self) { try await test.store.resumeBatch(batch, project: test.project) }
        await #expect(throws: BatchError.self) {
            try await test.store.retryBatch(
                NewRetry(project: test.project, parent: batch, requestSHA256: [UInt8](repeating: 1, count: 32)))
        }
        #expect(try await test.store.closeBatches() == 0)
        #expect(try await test.store.forecastBatches(every: .zero) == 0)
        #expect(try await test.number("select count(*) from batches where forecast_at is not null") == 0)
        #expect(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) == nil)
        try await test.store.sealLive([batch])
        #expect(try await test.store.completeLive() == 1)
        #expect(
            try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero) == nil)
        #expect(try await !test.store.sweepBatch())
        #expect(try await test.number("select count(*) from batches where status = 'completed'") == 1)
    }

    @Test func `live batches do not count among those that a project may have under way`() async throws {
        let test = try await TestStore()
        for key in 1...3 { _ = try await test.openLive(waiter: me, key: Int64(key)) }
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        var new = NewBatch(
            project: test.project, inputFileID: "file-none", endpoint: "/v1/chat/completions", window: window,
            requestSHA256: [UInt8](repeating: 0, count: 32))
        new.runningMax = RunningLimits(all: 1)
        _ = try await test.store.insertBatch(new)
        await #expect(throws: BatchError.self) { try await test.store.insertBatch(new) }
    }

    @Test func `live shards come first, and a claim up to the live lane takes nothing else`() async throws {
        let test = try await TestStore()
        let users = try await test.openBatch(shards: 3, lines: 1, priority: 100)
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        #expect(try await claim(test, 2).map(\.lease.shard.batch) == [batch, users.id])
        try await test.addLive(["b"], to: batch, shard: 1, waiter: me)
        #expect(try await claim(test, 9, upTo: .live).map(\.lease.shard.batch) == [batch])
        #expect(try await claim(test, 9, upTo: .live).isEmpty)
    }

    @Test func `keys of a project share by lines, however many live batches each has`() async throws {
        let test = try await TestStore()
        for number in 0..<6 {
            let batch = try await test.openLive(waiter: me, key: 1, model: "m\(number)")
            for shard in 0..<10 {
                try await test.addLive(["1/\(number)/\(shard)"], to: batch, shard: Int32(shard), waiter: me)
            }
        }
        let batch = try await test.openLive(waiter: me, key: 2)
        for shard in 0..<30 { try await test.addLive(["2/\(shard)"], to: batch, shard: Int32(shard), waiter: me) }
        let claims = try await claim(test, 12)
        #expect(claims.count == 12)
        #expect(claims.filter { $0.lease.shard.batch == batch }.count == 6)
        let more = try await claim(test, 12)
        #expect(more.filter { $0.lease.shard.batch == batch }.count == 6)
    }

    @Test func `outcomes are recorded many at once, told to the coordinators, and fenced as ever`() async throws {
        let test = try await TestStore()
        let process = try await test.liveProcess(me)
        let batch = try await test.openLive(waiter: me)
        for shard in 0..<3 {
            try await test.addLive(["\(shard)a", "\(shard)b"], to: batch, shard: Int32(shard), waiter: me)
        }
        let worker = WorkerID.random()
        let claims = try await claim(test, 3, by: worker)
        var checkpoints = try claims.map { try TestStore.checkpoint($0, sequence: 0, ordinals: [1]) }
        for index in checkpoints.indices { checkpoints[index].isLive = true }
        try await test.tamper("update shards set epoch = epoch + 1 where shard_no = 2")
        let written = try await test.store.record(worker: worker, checkpoints, lease: .seconds(60))
        let good = Set(claims.filter { $0.lease.shard.number < 2 }.map(\.lease))
        #expect(written == good)
        let news = LiveNews(payload: try #require(await process.next(Signals.live)))
        #expect(Set(news.segments.map(\.shard)) == Set(good.map(\.shard)))
        let segments = try await test.store.readLive(news.segments)
        #expect(try segments.map { try SegmentPack($0.frame).outcomes.map(\.ordinal) } == [[1], [1]])
        #expect(try await test.store.record(worker: worker, checkpoints, lease: .seconds(60)) == good, "repeated")
        #expect(try await test.number("select count(*) from segments") == 2)
        var last = try TestStore.checkpoint(
            try #require(claims.first { $0.lease.shard.number == 0 }), sequence: 1, ordinals: [0],
            after: checkpoints.first { $0.lease.shard.number == 0 }?.done)
        last.isLive = true
        #expect(try await test.store.record(worker: worker, [last], lease: .seconds(60)).count == 1)
        #expect(try await test.number("select count(*) from shards where state = 'done' and completed = 2") == 1)
        #expect(try await test.store.readLive(shards: [.init(batch: batch, number: 0)]).count == 2)
        await process.kill()
    }

    @Test func `a line that lost all its workers is told of like an outcome`() async throws {
        let test = try await TestStore()
        let process = try await test.liveProcess(me)
        let batch = try await test.openLive(waiter: me)
        try await test.addLive(["a"], to: batch, shard: 0, waiter: me)
        for _ in 0..<3 {
            try await test.tamper("update shards set not_before = null")
            #expect(try await claim(test, 1).count == 1)
            try await test.tamper("update shards set lease_until = clock_timestamp() where state = 'claimed'")
            _ = try await test.store.rescueShards(poisonAttempts: 3)
        }
        let news = LiveNews(payload: try #require(await process.next(Signals.live)))
        let segment = try #require(try await test.store.readLive(news.segments).first)
        let kind = try #require(try SegmentPack(segment.frame).outcomes.first).kind
        guard case .noResponse(let code, _) = kind else { throw TestFault("\(kind)") }
        #expect(code == "worker_crashed")
        await process.kill()
    }

    @Test func `news of any number of checkpoints survive the way through payloads`() {
        var segments: [SegmentKey] = []
        for number in Int32(0)..<2_000 {
            let batch = BatchID(rawValue: "batch_\(number / 300)")
            let shard = ShardKey(batch: batch, number: number, part: number % 3)
            segments.append(SegmentKey(shard: shard, epoch: number % 7, sequence: number % 5))
        }
        let payloads = LiveNews(segments).payloads
        #expect(payloads.count > 1 && payloads.allSatisfy { $0.utf8.count < 8_000 })
        #expect(payloads.flatMap { LiveNews(payload: $0).segments } == segments)
        #expect(LiveNews([]).payloads.isEmpty && LiveNews(payload: "b 1.2;;x 1.2.3.4.5 q").segments.isEmpty)
    }
}
