// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct PauseStoreTests {
    @Test func `a paused batch gives out no shards until it is resumed`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 2, lines: 3)
        let paused = try await test.store.pauseBatch(batch.id, project: test.project)
        #expect(paused.pausedAt != nil && paused.status == .inProgress)
        #expect(try await test.store.pauseBatch(batch.id, project: test.project) == paused)
        #expect(try await test.store.findBatch(batch.id, project: test.project) == paused)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).isEmpty)
        let resumed = try await test.store.resumeBatch(batch.id, project: test.project)
        #expect(resumed.pausedAt == nil && resumed.status == .inProgress)
        #expect(try await test.store.resumeBatch(batch.id, project: test.project) == resumed)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).count == 2)
    }

    @Test func `a batch that is paused while it is validated is opened, but gives out no shards`() async throws {
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let duty = try await test.takeValidation(of: batch.id)
        _ = try await test.store.pauseBatch(batch.id, project: test.project)
        let shard = DraftShard(number: 0, lineCount: 1, pack: TestStore.pack(shard: 0, lines: 1))
        #expect(try await test.store.insertDrafts(duty, [shard]))
        #expect(try await test.store.openShards(duty, total: 1, model: "m"))
        let open = try await test.store.findBatch(batch.id, project: test.project)
        #expect(open?.status == .inProgress && open?.pausedAt != nil)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).isEmpty)
        _ = try await test.store.resumeBatch(batch.id, project: test.project)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).count == 1)
    }

    @Test func `a paused batch can be cancelled, and expires, and is not paused then`() async throws {
        let test = try await TestStore()
        let first = try await test.openBatch(shards: 1, lines: 1)
        _ = try await test.store.pauseBatch(first.id, project: test.project)
        let cancelled = try await test.store.cancelBatch(first.id, project: test.project)
        #expect(cancelled.status == .cancelling && cancelled.pausedAt == nil)
        let second = try await test.openBatch(shards: 1, lines: 1)
        _ = try await test.store.pauseBatch(second.id, project: test.project)
        try await test.tamper("update batches set expires_at = clock_timestamp() where status = 'in_progress'")
        #expect(try await test.store.closeBatches() == 1)
        let expiring = try await test.store.findBatch(second.id, project: test.project)
        #expect(expiring?.status == .finalizing && expiring?.pausedAt == nil)
        for id in [first.id, second.id] {
            await #expect { try await test.store.pauseBatch(id, project: test.project) } throws: {
                ($0 as? BatchError)?.status == 409
            }
            await #expect { try await test.store.resumeBatch(id, project: test.project) } throws: {
                ($0 as? BatchError)?.status == 409
            }
        }
    }

    @Test func `a held shard may still be recorded while its batch is paused`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 2)
        let worker = WorkerID.random()
        let held = try #require(
            try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
        _ = try await test.store.pauseBatch(batch.id, project: test.project)
        let all = try TestStore.checkpoint(held, sequence: 0, ordinals: [0, 1])
        #expect(try await test.store.record(worker: worker, [all], lease: .seconds(60)).count == 1)
        #expect(try await test.store.closeBatches() == 1)
    }

    @Test func `only the project's own batches can be paused`() async throws {
        let test = try await TestStore()
        let batch = try await test.makeBatch()
        let stranger = try await test.store.ensureProject(name: "stranger")
        await #expect { try await test.store.pauseBatch(batch.id, project: stranger) } throws: {
            ($0 as? BatchError)?.status == 404
        }
        await #expect { try await test.store.resumeBatch(batch.id, project: stranger) } throws: {
            ($0 as? BatchError)?.status == 404
        }
        #expect(try await test.store.findBatch(batch.id, project: test.project)?.pausedAt == nil)
    }
}

@Suite struct RetryStoreTests {
    private func file(_ test: TestStore, _ purpose: FilePurpose = .batchOutput) -> NewFile {
        let id = FileID.random()
        return NewFile(
            id: id, project: test.project, purpose: purpose, filename: "f", bytes: 1,
            sha256: [UInt8](repeating: 0, count: 32), vaultKey: "key-\(id)", expiresAfterSeconds: nil)
    }

    /// A batch that was cancelled before any line was run, with these files.
    private func ended(_ test: TestStore, error: NewFile?, provenance: NewFile? = nil) async throws -> Batch {
        let input = try await test.store.insertFile(file(test, .batch))
        let batch = try await test.makeBatch(inputFileID: input.id.rawValue, hours: 48)
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        let duty = try #require(
            try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        #expect(duty.lease.batch == batch.id)
        let publication = Publication(
            output: nil, error: error, provenance: provenance, counts: RequestCounts(), usage: Usage(),
            event: .random())
        #expect(try await test.store.publishBatch(duty, publication))
        return try #require(try await test.store.findBatch(batch.id, project: test.project))
    }

    private func retry(_ test: TestStore, of parent: BatchID, hash: UInt8 = 1, key: String? = nil) -> NewRetry {
        NewRetry(
            project: test.project, parent: parent, idempotencyKey: key,
            requestSHA256: [UInt8](repeating: hash, count: 32))
    }

    private func refusal(_ test: TestStore, of parent: BatchID) async -> BatchError? {
        do {
            _ = try await test.store.retryBatch(retry(test, of: parent))
            return nil
        } catch {
            return error as? BatchError
        }
    }

    @Test func `a retry is a batch of the same input with its parent's settings`() async throws {
        let test = try await TestStore()
        let error = file(test)
        let parent = try await ended(test, error: error)
        var changed = retry(test, of: parent.id)
        let plain = try await test.store.retryBatch(changed)
        #expect(plain.isNew && plain.batch.parent == parent.id && plain.batch.status == .validating)
        #expect(plain.batch.inputFileID == parent.inputFileID && plain.batch.endpoint == parent.endpoint)
        #expect(plain.batch.completionWindow == "48h" && plain.batch.lane == .normal)
        #expect(plain.batch.expiresAt - plain.batch.createdAt == 48 * 3_600)
        changed.priority = 9
        changed.lane = .background
        changed.metadata = #"{"x":"y"}"#
        let other = try await test.store.retryBatch(changed).batch
        #expect(other.priority == 9 && other.lane == .background && other.metadata == #"{"x":"y"}"#)
        let duty = try #require(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(duty.parent == parent.id)
        #expect(try await test.store.findErrorFile(of: parent.id, for: duty)?.id == error.id)
    }

    @Test func `the same idempotency key makes one retry, also after the error file is gone`() async throws {
        let test = try await TestStore()
        let error = file(test)
        let parent = try await ended(test, error: error)
        let first = try await test.store.retryBatch(retry(test, of: parent.id, key: "k"))
        #expect(try await test.store.deleteFile(error.id, project: test.project))
        let again = try await test.store.retryBatch(retry(test, of: parent.id, key: "k"))
        #expect(first.isNew && !again.isNew && again.batch.id == first.batch.id)
        await #expect { try await test.store.retryBatch(retry(test, of: parent.id, hash: 2, key: "k")) } throws: {
            ($0 as? BatchError)?.status == 409
        }
        // The retry was made while the file was there: its bytes count until they are pruned.
        let duty = try #require(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(try await test.store.findErrorFile(of: parent.id, for: duty)?.id == error.id)
        #expect(try await test.store.prunableFiles().isEmpty)
        try await test.store.markPruned(error.id)
        #expect(try await test.store.findErrorFile(of: parent.id, for: duty) == nil)
    }

    @Test func `what cannot be retried is refused with the reason`() async throws {
        let test = try await TestStore()
        let open = try await test.makeBatch()
        #expect(await refusal(test, of: open.id)?.message.contains("wait for its end") == true)
        let duty = try await test.takeValidation(of: open.id)
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        #expect(await refusal(test, of: open.id)?.message.contains("no line was run") == true)
        let clean = try await ended(test, error: nil)
        #expect(await refusal(test, of: clean.id)?.message.contains("nothing to retry") == true)
        let gone = try await ended(test, error: file(test))
        try await test.tamper("update files set expires_at = clock_timestamp() where purpose = 'batch_output'")
        let refused = await refusal(test, of: gone.id)
        #expect(refused?.status == 409 && refused?.isFinal == true)
        #expect(refused?.message.contains("The error file '\(gone.errorFileID?.rawValue ?? "")'") == true)
        let noInput = try await ended(test, error: file(test))
        #expect(try await test.store.deleteFile(FileID(rawValue: noInput.inputFileID), project: test.project))
        #expect(await refusal(test, of: noInput.id)?.message.contains("The input file") == true)
        #expect(await refusal(test, of: BatchID(rawValue: "batch_nothing"))?.status == 404)
        let stranger = try await test.store.ensureProject(name: "stranger")
        var foreign = retry(test, of: noInput.id)
        foreign.project = stranger
        await #expect { try await test.store.retryBatch(foreign) } throws: { ($0 as? BatchError)?.status == 404 }
    }

    @Test func `the provenance file becomes visible with the end and stays as it is`() async throws {
        let test = try await TestStore()
        let provenance = file(test)
        let batch = try await ended(test, error: nil, provenance: provenance)
        #expect(batch.provenanceFileID == provenance.id && batch.status == .cancelled)
        #expect(try await test.store.findFile(provenance.id, project: test.project)?.purpose == .batchOutput)
        await #expect(throws: (any Error).self) { try await test.tamper("update batches set provenance_file_id = 'x'") }
    }

    @Test func `priority and lane are kept and listed`() async throws {
        let test = try await TestStore()
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        let batch = try await test.store.insertBatch(
            NewBatch(
                project: test.project, inputFileID: "file-x", endpoint: "/v1/embeddings", window: window,
                priority: -100, lane: .background, requestSHA256: [UInt8](repeating: 0, count: 32))
        ).batch
        #expect(batch.priority == -100 && batch.lane == .background && batch.parent == nil)
        let page = try await test.store.listBatches(project: test.project, after: nil, limit: 5)
        #expect(page.elements == [batch])
    }
}
