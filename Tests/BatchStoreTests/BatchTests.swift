// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct BatchTests {
    private func request(_ test: TestStore, hash: UInt8, key: String? = nil, isRetry: Bool = false) throws -> NewBatch {
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        return NewBatch(
            project: test.project, inputFileID: "file-x", endpoint: "/v1/embeddings", window: window,
            metadata: #"{"a":"b"}"#, idempotencyKey: key, requestSHA256: [UInt8](repeating: hash, count: 32),
            isRetry: isRetry)
    }

    @Test func `a new batch is validating with its window and echo`() async throws {
        let test = try await TestStore()
        let (batch, isNew) = try await test.store.insertBatch(request(test, hash: 1))
        #expect(isNew)
        #expect(batch.status == .validating)
        #expect(batch.expiresAt - batch.createdAt == 86_400)
        #expect(batch.metadata == #"{"a":"b"}"#)
        #expect(try await test.store.findBatch(batch.id, project: test.project) == batch)
    }

    @Test func `the same idempotency key finds the batch, another body is refused`() async throws {
        let test = try await TestStore()
        let first = try await test.store.insertBatch(request(test, hash: 1, key: "k"))
        let same = try await test.store.insertBatch(request(test, hash: 1, key: "k"))
        #expect(same.batch.id == first.batch.id && !same.isNew)
        await #expect { try await test.store.insertBatch(request(test, hash: 2, key: "k")) } throws: {
            ($0 as? BatchError)?.status == 409
        }
        #expect(try await test.store.insertBatch(request(test, hash: 2, key: "other")).isNew)
    }

    @Test func `many requests with one idempotency key at once make one batch`() async throws {
        let test = try await TestStore()
        let new = try request(test, hash: 7, key: "once")
        let ids = try await withThrowingTaskGroup(of: BatchID.self) { group in
            for _ in 0..<12 { group.addTask { try await test.store.insertBatch(new).batch.id } }
            return try await group.reduce(into: Set<BatchID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    @Test func `a request sent again gets the batch of the first`() async throws {
        let test = try await TestStore()
        let first = try await test.store.insertBatch(request(test, hash: 3))
        #expect(try await test.store.insertBatch(request(test, hash: 3, isRetry: true)).batch.id == first.batch.id)
        #expect(try await test.store.insertBatch(request(test, hash: 3)).isNew)
        #expect(try await test.store.insertBatch(request(test, hash: 4, isRetry: true)).isNew)
    }

    @Test func `a request and its repeats that are under way at once make one batch`() async throws {
        let test = try await TestStore()
        let retry = try request(test, hash: 9, isRetry: true)
        let ids = try await withThrowingTaskGroup(of: BatchID.self) { group in
            for _ in 0..<12 { group.addTask { try await test.store.insertBatch(retry).batch.id } }
            return try await group.reduce(into: Set<BatchID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    @Test func `a list has every batch once, newest first, and a cursor of another project is refused`() async throws {
        let test = try await TestStore()
        var made: [BatchID] = []
        for hash in 0..<7 { made.append(try await test.store.insertBatch(request(test, hash: UInt8(hash))).batch.id) }
        var seen: [BatchID] = []
        var hasMore = true
        while hasMore {
            let page = try await test.store.listBatches(project: test.project, after: seen.last, limit: 3)
            seen += page.elements.map(\.id)
            hasMore = page.hasMore
        }
        #expect(seen == made.reversed())
        let stranger = try await test.store.ensureProject(name: "stranger")
        #expect(try await test.store.listBatches(project: stranger, after: nil, limit: 3).elements.isEmpty)
        #expect(try await test.store.findBatch(made[0], project: stranger) == nil)
        await #expect { try await test.store.listBatches(project: stranger, after: made[0], limit: 3) } throws: {
            ($0 as? BatchError)?.param == "after"
        }
    }

    @Test func `cancel follows the state machine and knows only its own project`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 1)
        let stranger = try await test.store.ensureProject(name: "stranger")
        await #expect { try await test.store.cancelBatch(batch.id, project: stranger) } throws: {
            ($0 as? BatchError)?.status == 404
        }
        let cancelled = try await test.store.cancelBatch(batch.id, project: test.project)
        #expect(cancelled.status == .cancelling && cancelled.cancellingAt != nil)
        #expect(try await test.store.cancelBatch(batch.id, project: test.project) == cancelled)

        let refused = try await test.makeBatch()
        let duty = try await test.takeValidation(of: refused.id)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        await #expect { try await test.store.cancelBatch(refused.id, project: test.project) } throws: {
            ($0 as? BatchError)?.status == 409
        }
    }

    @Test func `a duty that was taken over cannot store, open or refuse`() async throws {
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let old = try await test.takeValidation(of: batch.id)
        #expect(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) == nil)
        try await test.tamper("update batches set owner_until = clock_timestamp() - interval '1 second'")
        let new = try await test.takeValidation(of: batch.id)
        let shard = DraftShard(number: 0, lineCount: 1, pack: TestStore.pack(shard: 0, lines: 1))
        #expect(try await !test.store.insertDrafts(old, [shard]))
        #expect(try await !test.store.openShards(old, total: 1, model: "m"))
        #expect(try await !test.store.refuseBatch(old, problems: "[]", event: .random()))
        #expect(try await !test.store.renewDuty(old, lease: .seconds(60)))
        #expect(try await test.store.insertDrafts(new, [shard]))
        #expect(try await test.store.dropDrafts(new))
        #expect(try await test.number("select count(*) from shards") == 0)
    }

    @Test func `a duty that failed is left alone for a while, one that was given back is free at once`() async throws {
        let test = try await TestStore()
        let poison = try await test.makeBatch()
        let next = try await test.makeBatch()
        let first = try #require(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(first.lease.batch == poison.id)
        try await test.store.releaseDuty(first.lease, failed: true)
        let second = try #require(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(second.lease.batch == next.id)
        try await test.store.releaseDuty(second.lease, failed: false)
        let again = try #require(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(again.lease.batch == next.id)
        #expect(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) == nil)
        // A cancel does not wait for the hold-back to pass.
        _ = try await test.store.cancelBatch(poison.id, project: test.project)
        let ending = try await test.store.claimFinalization(
            owner: .random(), lease: .seconds(60), grace: .seconds(60))
        #expect(ending?.lease.batch == poison.id)
    }

    @Test func `taking a finalization fences shards that nobody has claimed yet`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 3, lines: 1)
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        let duty = try #require(
            try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .seconds(60)))
        #expect(duty.shardCount == 3)
        #expect(try await test.number("select count(*) from shards where state = 'ready' or epoch = 0") == 0)
    }

    @Test func `the table refuses to change a batch that has ended`() async throws {
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let duty = try await test.takeValidation(of: batch.id)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        await #expect(throws: (any Error).self) {
            try await test.tamper(
                "update batches set status = 'in_progress', failed_at = null, problems = null, in_progress_at = now()")
        }
        #expect(try await test.store.findBatch(batch.id, project: test.project)?.status == .failed)
    }

    @Test func `the lifecycle is total, and only terminal states have no way out but a resume`() {
        for status in BatchStatus.allCases {
            // A resume is for Ark's jobs only, and leads back to the beginning.
            let resumed = BatchLifecycle.transition(from: status, on: .resume)
            #expect((resumed == .move(.validating)) == status.isTerminal)
            let moves = BatchEvent.allCases.filter { $0 != .resume }.compactMap { event -> BatchStatus? in
                guard case .move(let next) = BatchLifecycle.transition(from: status, on: event) else { return nil }
                return next
            }
            #expect(moves.isEmpty == status.isTerminal)
        }
    }
}
