// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// The rows of batches whose files are elsewhere.
@Suite struct RemoteFilesTests {
    private func make(
        _ test: TestStore, input: String? = nil, output: String? = nil, of project: ProjectID? = nil,
        profile: Profile = .openAI
    ) async throws -> Batch {
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        var new = NewBatch(
            project: project ?? test.project, inputFileID: "file-none", endpoint: "/v1/chat/completions",
            window: window, requestSHA256: [UInt8](repeating: 0, count: 32))
        (new.inputURL, new.outputURL, new.profile) = (input, output, profile)
        return try await test.store.insertBatch(new).batch
    }

    private func file(_ test: TestStore, _ id: FileID = .random(), key: String) -> NewFile {
        NewFile(
            id: id, project: test.project, purpose: .batch, filename: "f", bytes: 1,
            sha256: [UInt8](repeating: 1, count: 32), vaultKey: key, expiresAfterSeconds: nil)
    }

    @Test func `an input is fetched before it is validated, by one coordinator, and its file is there in one commit`()
        async throws
    {
        let test = try await TestStore()
        let batch = try await make(test, input: "s3://bucket/key")
        #expect(batch.inputFileID.hasPrefix("file-") && batch.remote.inputURL == "s3://bucket/key")
        #expect(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) == nil)
        let duty = try #require(await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9))
        #expect(duty.lease.batch == batch.id && duty.file.rawValue == batch.inputFileID && duty.projectName == "tests")
        #expect(try await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9) == nil)
        // Another takes over once the lease has run out; then the first one's file counts for nothing.
        try await test.tamper("update batches set owner_until = clock_timestamp() - interval '1 second'")
        let next = try #require(await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9))
        #expect(try await !test.store.finishFetch(duty.lease, file(test, duty.file, key: "old")))
        #expect(try await test.store.findFile(duty.file, project: test.project) == nil)
        #expect(try await test.store.finishFetch(next.lease, file(test, next.file, key: "new")))
        #expect(try await !test.store.finishFetch(next.lease, file(test, next.file, key: "again")))
        #expect(try await test.store.findFile(next.file, project: test.project)?.vaultKey == "new")
        #expect(try await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9) == nil)
        let validation = try #require(await test.store.claimValidation(owner: .random(), lease: .seconds(60)))
        #expect(try await test.store.findInput(of: validation)?.vaultKey == "new")
        await test.store.close()
    }

    @Test func `a project has only so many fetches at once, and others go on`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        for _ in 0..<3 { _ = try await make(test, input: "s3://bucket/key") }
        let late = try await make(test, input: "s3://bucket/key", of: other)
        var claimed: [BatchID] = []
        while let duty = try await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 2) {
            claimed.append(duty.lease.batch)
        }
        #expect(claimed.count == 3 && claimed.last == late.id)
        await test.store.close()
    }

    @Test func `held files are spared, seen by nobody, and published with the note of their delivery`() async throws {
        let test = try await TestStore()
        let batch = try await make(test, output: "https://a.example/?sig=1")
        #expect(batch.remote.output == RemoteOutput(url: "https://a.example/?sig=1"))
        #expect(!batch.batchObject.text.contains("sig=1"))
        try await test.tamper("update batches set status = 'finalizing', finalizing_at = clock_timestamp(), total = 1")
        let duty = try #require(
            await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        #expect(duty.isDelivered)
        let output = file(test, key: "held")
        let publication = Publication(
            output: output, error: nil, counts: RequestCounts(total: 1, completed: 1), usage: Usage(totalTokens: 7),
            event: .random())
        #expect(try await test.store.holdResults(duty, publication))
        #expect(try await !test.store.holdResults(duty, publication))
        #expect(try await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero) == nil)
        #expect(try await test.store.referencedKeys(["held", "orphan"]) == ["held"])
        #expect(try await test.store.findFile(output.id, project: test.project) == nil)

        var held = try #require(await test.store.claimHeld(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        #expect(held.delivered.isEmpty && held.publication.output?.id == output.id)
        #expect(held.publication.counts.completed == 1 && held.publication.usage.totalTokens == 7)
        #expect(try await test.store.markDelivered(held.finalization.lease, .output, to: "https://a.example/"))
        // Another coordinator takes over, and finds what is done.
        try await test.tamper("update batches set owner_until = clock_timestamp() - interval '1 second'")
        let lost = held
        held = try #require(await test.store.claimHeld(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        #expect(held.delivered == [.output: "https://a.example/"])
        #expect(try await !test.store.markDelivered(lost.finalization.lease, .output, to: "elsewhere"))
        var ended = held.publication
        ended.remote = RemoteOutcome(objects: ["https://a.example/"], error: nil)
        #expect(try await !test.store.publishBatch(lost.finalization, ended))
        #expect(try await test.store.publishBatch(held.finalization, ended))
        let found = try #require(await test.store.findBatch(batch.id, project: test.project))
        #expect(found.status == .completed && found.remote.output?.outcome?.status == .delivered)
        #expect(found.outputFileID == output.id)
        #expect(try await test.number("select count(*) from held_files") == 0)
        await #expect(throws: (any Error).self) { try await test.tamper("update batches set output_status = 'failed'") }
        await test.store.close()
    }

    @Test func `a cancel changes nothing any more once the files are held`() async throws {
        let test = try await TestStore()
        let batch = try await make(test, output: "s3://bucket/o/")
        try await test.tamper("update batches set status = 'finalizing', finalizing_at = clock_timestamp()")
        let duty = try #require(
            await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        let publication = Publication(
            output: file(test, key: "first"), error: nil, counts: RequestCounts(), usage: Usage(), event: .random())
        #expect(try await test.store.holdResults(duty, publication))
        let held = try #require(await test.store.claimHeld(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        #expect(try await test.store.cancelBatch(batch.id, project: test.project).status == .finalizing)
        var ended = held.publication
        ended.remote = RemoteOutcome(objects: [], error: "gone")
        #expect(try await test.store.publishBatch(held.finalization, ended))
        let found = try #require(await test.store.findBatch(batch.id, project: test.project))
        #expect(found.status == .completed && found.remote.output?.outcome?.error == "gone")
        await test.store.close()
    }

    @Test func `what was fetched fills nobody's quota, and its address is a secret of those who named it`() async throws
    {
        let test = try await TestStore()
        let address = "https://a.example/in.jsonl?Signature=canary"
        let batch = try await make(test, input: address, profile: .bailian)
        #expect(batch.inputFileID.hasPrefix("file-batch-"))
        let duty = try #require(await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9))
        #expect(duty.profile == .bailian)
        #expect(try await test.store.finishFetch(duty.lease, file(test, duty.file, key: "fetched")))
        try await test.store.checkStorage(test.project, bytes: 1, StorageLimits(files: 1, bytes: 1))
        let found = try #require(await test.store.findBatch(batch.id, project: test.project))
        #expect(found.batchObject(for: .bailian).text.contains(address))
        #expect(found.batchObject.text.contains(#""input_file_id":"https://a.example/in.jsonl?(hidden)""#))
        #expect(!found.batchObject.text.contains("canary") && !found.batchObject(for: .openAI).text.contains("canary"))
        await test.store.close()
    }

    @Test func `keys of a project are its own, those of one bucket come first, and a name is used once`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        for (name, bucket) in [("all", nil), ("one", "bucket"), ("all", nil)] as [(String, String?)] {
            try await test.store.putObjectCredential(
                ObjectCredential(
                    name: name, kind: .s3, bucket: bucket, usesPathStyle: true, accessKey: "k", secret: [1]),
                project: test.project)
        }
        #expect(try await test.store.objectCredentials(project: test.project).map(\.name) == ["one", "all"])
        #expect(try await test.store.objectCredentials(project: other).isEmpty)
        #expect(try await !test.store.removeObjectCredential(name: "one", project: other))
        #expect(try await test.store.removeObjectCredential(name: "one", project: test.project))
        #expect(try await test.store.objectCredentials(project: test.project).map(\.name) == ["all"])
        await test.store.close()
    }
}
