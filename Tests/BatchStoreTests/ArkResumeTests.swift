// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// Ark jobs that go on after an early end.
@Suite struct ArkResumeTests {
    /// A job with its place and two shards of three lines, as the validator leaves it.
    private func running(_ test: TestStore, output: Bool = false) async throws -> BatchID {
        let job = try await test.arkBatch(output: output)
        #expect(try await test.store.admitJobs(runningMax: 0) == [job])
        let duty = try await test.takeValidation(of: job)
        let drafts = (0..<2).map { DraftShard(number: $0, lineCount: 3, pack: TestStore.pack(shard: Int($0), lines: 3)) }
        #expect(try await test.store.insertDrafts(duty, drafts))
        #expect(try await test.store.openShards(duty, total: 6, model: "m"))
        return job
    }

    private func file(_ test: TestStore, key: String) -> NewFile {
        NewFile(
            id: .random(), project: test.project, purpose: .batchOutput, filename: "f", bytes: 1,
            sha256: [UInt8](repeating: 1, count: 32), vaultKey: key, expiresAfterSeconds: nil)
    }

    /// Ends a job that was stopped or whose lines are done, with files called after `name`.
    @discardableResult
    private func end(
        _ test: TestStore, _ name: String, completed: Int64, failed: Int64 = 0, keptFor: Duration? = .seconds(3_600)
    ) async throws -> FinalizationDuty {
        let duty = try #require(
            await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        var publication = Publication(
            output: file(test, key: "\(name)-output"), error: file(test, key: "\(name)-error"),
            counts: RequestCounts(total: duty.total, completed: completed, failed: failed),
            usage: Usage(totalTokens: completed), event: .random())
        publication.resumeWithin = keptFor
        #expect(try await test.store.publishBatch(duty, publication))
        return duty
    }

    /// Lets it run by one worker until `lines` of its first shard have results, then stops and ends it.
    private func stopped(
        _ test: TestStore, lines: Int = 2, keptFor: Duration? = .seconds(3_600)
    ) async throws -> BatchID {
        let job = try await running(test)
        let worker = WorkerID.random()
        let claims = try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60))
        let some = try TestStore.checkpoint(claims[0], sequence: 0, ordinals: Array(0..<lines))
        #expect(try await test.store.record(worker: worker, [some], lease: .seconds(60)).count == 1)
        _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
        try await end(test, "first", completed: Int64(lines), keptFor: keptFor)
        return job
    }

    private func status(_ test: TestStore, _ job: BatchID, _ status: BatchStatus) async throws -> Bool {
        try await test.number("select count(*) from batches where id = '\(job)' and status = '\(status.rawValue)'") == 1
    }

    private func conflict(_ test: TestStore, _ job: BatchID, _ words: String) async throws {
        do {
            _ = try await test.store.resumeJob(job, project: test.project)
            Issue.record("\(job) was resumed")
        } catch let error as BatchError {
            #expect(error.status == 409 && error.message.contains(words), "\(error)")
        }
    }

    @Test func `a resumed job waits for a place again, and only lines without a result are claimed`() async throws {
        let test = try await TestStore()
        let job = try await stopped(test)
        #expect(try await test.number("select count(*) from segments") == 1)
        try await test.tamper("update batches set expires_at = now() - interval '1 day' where id = '\(job)'")
        let resumed = try await test.store.resumeJob(job, project: test.project)
        #expect(resumed.status == .validating && resumed.cancelledAt == nil && resumed.outputFileID == nil)
        #expect(resumed.counts == RequestCounts(total: 6, completed: 2) && resumed.model == "m")
        #expect(try await test.number("select count(*) from files where deleted_at is null") == 0)
        #expect(
            try await test.number(
                "select round(extract(epoch from expires_at - clock_timestamp()) / 3600) from batches") == 24)
        // Nothing is claimed, validated or opened before it has its place.
        #expect(try await test.store.reopenJob() == nil)
        #expect(try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60)).isEmpty)
        #expect(try await test.store.admitJobs(runningMax: 1) == [job])
        #expect(try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) == nil)
        let opened = try await [test.store.reopenJob(), test.store.reopenJob()]
        #expect(opened == [job, nil])
        let claims = try await test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(60))
        #expect(claims.map(\.done.count).sorted() == [0, 2] && claims.map(\.lineCount) == [3, 3])
        // One more end, one more event.
        _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
        let duty = try await end(test, "second", completed: 2)
        #expect(duty.hadErrors && duty.shardCount == 2 && duty.total == 6)
        #expect(try await test.number("select count(*) from events where type = 'batch.cancelled'") == 2)
        await test.store.close()
    }

    @Test func `asking twice resumes once, and a stop right behind it stops it`() async throws {
        let test = try await TestStore()
        let job = try await stopped(test)
        let store = test.store
        let answers = try await withThrowingTaskGroup(of: BatchStatus.self) { group in
            for _ in 0..<8 { group.addTask { try await store.resumeJob(job, project: test.project).status } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .validating, count: 8))
        #expect(try await test.number("select resumes from batches") == 1)
        _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
        try await conflict(test, job, "about to end")
        #expect(try await test.store.admitJobs(runningMax: 0) == [])
        try await end(test, "second", completed: 2)
        #expect(try await status(test, job, .cancelled))
        #expect(try await test.store.resumeJob(job, project: test.project).status == .validating)
        #expect(try await test.store.admitJobs(runningMax: 0) == [job])
        #expect(try await test.store.reopenJob() == job)
        let worker = WorkerID.random()
        let claims = try await test.workOff(worker, limit: 9)
        #expect(claims.count == 2)
        #expect(try await test.store.closeBatches() == 1)
        try await conflict(test, job, "about to end")
        try await end(test, "third", completed: 6)
        #expect(try await status(test, job, .completed))
        try await conflict(test, job, "nothing to resume")
        #expect(
            try await test.number("select count(*) from segments where line_count > 0") == 3,
            "each line has one result")
        await test.store.close()
    }

    @Test func `results that are on their way out are not overtaken by a resume`() async throws {
        let test = try await TestStore()
        let job = try await running(test, output: true)
        _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
        let duty = try #require(
            await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        let publication = Publication(
            output: nil, error: file(test, key: "e"), counts: RequestCounts(total: 6), usage: Usage(), event: .random())
        #expect(try await test.store.holdResults(duty, publication))
        try await conflict(test, job, "about to end")
        var held = try #require(await test.store.claimHeld(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        #expect(!held.finalization.hadErrors)
        held.publication.remote = RemoteOutcome(objects: ["tos://bucket/x"], error: nil)
        held.publication.resumeWithin = .seconds(60)
        #expect(try await test.store.publishBatch(held.finalization, held.publication))
        #expect(try await test.store.resumeJob(job, project: test.project).remote.output?.outcome == nil)
        // What was held before is not any more: the second run can be held and stopped like the first.
        _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
        let again = try #require(
            await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
        #expect(again.isDelivered && again.hadErrors)
        await test.store.close()
    }

    @Test func `a job that never ran is fetched and validated anew, under another file`() async throws {
        let test = try await TestStore()
        let job = try await test.arkBatch(input: "tos://bucket/in")
        _ = try await test.store.admitJobs(runningMax: 0)
        let fetch = try #require(await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        var input = file(test, key: "in")
        (input.id, input.purpose) = (fetch.file, .batch)
        #expect(try await test.store.finishFetch(fetch.lease, input))
        let duty = try await test.takeValidation(of: job)
        let draft = DraftShard(number: 0, lineCount: 3, pack: TestStore.pack(shard: 0, lines: 3))
        #expect(try await test.store.insertDrafts(duty, [draft]))
        #expect(try await test.store.refuseBatch(duty, problems: "[]", event: .random()))
        // The drafts may be swept, or not yet, or half.
        #expect(try await test.store.sweepBatch())
        let resumed = try await test.store.resumeJob(job, project: test.project)
        #expect(resumed.status == .validating && resumed.problems == nil && resumed.failedAt == nil)
        #expect(resumed.inputFileID != fetch.file.rawValue && resumed.counts == RequestCounts())
        #expect(try await !test.store.sweepBatch())
        #expect(try await test.store.admitJobs(runningMax: 0) == [job])
        #expect(try await test.store.reopenJob() == nil)
        let next = try #require(await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 1))
        #expect(next.file.rawValue == resumed.inputFileID)
        (input.id, input.vaultKey) = (next.file, "again")
        #expect(try await test.store.finishFetch(next.lease, input))
        let second = try await test.takeValidation(of: job)
        #expect(try await test.store.dropDrafts(second))
        #expect(try await test.store.insertDrafts(second, [draft]))
        #expect(try await test.store.openShards(second, total: 3, model: "m"))
        #expect(try await test.number("select count(*) from files where deleted_at is null") == 1)
        await test.store.close()
    }

    @Test func `a job cancelled or expired before its lines ran starts from the beginning`() async throws {
        let test = try await TestStore()
        for expires in [true, false] {
            let job = try await test.arkBatch(input: "tos://bucket/in")
            if expires {
                try await test.tamper("update batches set expires_at = now() where id = '\(job)'")
                #expect(try await test.store.closeBatches() == 1)
            } else {
                _ = try await test.store.cancelBatch(job, project: test.project, inArk: true)
            }
            let duty = try #require(
                await test.store.claimFinalization(owner: .random(), lease: .seconds(60), grace: .zero))
            let none = Publication(
                output: nil, error: nil, counts: RequestCounts(), usage: Usage(), event: .random())
            #expect(try await test.store.publishBatch(duty, none))
            while try await test.store.sweepBatch() {}
            #expect(try await test.store.resumeJob(job, project: test.project).status == .validating)
            #expect(try await test.store.admitJobs(runningMax: 0) == [job])
        }
        #expect(try await test.number("select count(*) from batches where expires_at > now()") == 2)
        await test.store.close()
    }

    @Test func `what a resume needs is kept for as long as was said, and not a moment of a complete job`() async throws {
        let test = try await TestStore()
        let job = try await stopped(test)
        #expect(try await !test.store.sweepBatch())
        try await test.tamper("update batches set resumable_until = clock_timestamp()")
        try await conflict(test, job, "ark.resume_within")
        while try await test.store.sweepBatch() {}
        #expect(try await test.number("select count(*) from shards") == 0)
        try await conflict(test, job, "error file")
        let at = try await stopped(test, keptFor: nil)
        try await conflict(test, at, "ark.resume_within")
        while try await test.store.sweepBatch() {}
        // Of two that may be swept one is kept: it is not in the way of the other.
        let kept = try await stopped(test)
        let complete = try await running(test)
        _ = try await test.workOff(.random(), limit: 9)
        #expect(try await test.store.closeBatches() == 1)
        try await end(test, "all", completed: 6)
        while try await test.store.sweepBatch() {}
        #expect(try await test.number("select count(distinct batch_id) from shards") == 1)
        #expect(try await test.number("select count(*) from shards where batch_id = '\(kept)'") == 2)
        try await conflict(test, complete, "complete")
        await test.store.close()
    }

    @Test func `only Ark jobs that ended early are resumed, whoever asks`() async throws {
        let test = try await TestStore()
        let (plain, _) = try await test.ended(.batchCancelled)
        let job = try await stopped(test)
        let other = try await test.store.ensureProject(name: "other")
        for (id, project) in [(plain, test.project), (job, other), (BatchID(rawValue: "bi-x"), test.project)] {
            do {
                _ = try await test.store.resumeJob(id, project: project)
                Issue.record("\(id) was resumed")
            } catch let error as BatchError {
                #expect(error.status == 404)
            }
        }
        // The table itself holds to it, column by column.
        let reset = "cancelled_at = null, output_file_id = null, error_file_id = null, ending = null"
        for (id, change) in [
            (plain, "status = 'validating', resumes = resumes + 1"),
            (plain, "status = 'validating'"), (job, "status = 'validating'"),
            (job, "status = 'in_progress', resumes = resumes + 1"),
            (job, "status = 'validating', resumes = resumes + 2"),
            (job, "status = 'validating', resumes = resumes + 1, total = 7"),
            (job, "status = 'validating', resumes = resumes + 1, admitted_at = clock_timestamp()"),
            (job, "status = 'validating', resumes = resumes + 1, in_progress_at = null"),
            (job, "status = 'validating', resumes = resumes + 1, completed = 0"),
        ] {
            await #expect(throws: (any Error).self, "\(change)") {
                try await test.tamper(
                    "update batches set admitted_at = null, \(reset), \(change) where id = '\(id)'".replacing(
                        "admitted_at = null, ", with: change.contains("admitted_at") ? "" : "admitted_at = null, "))
            }
        }
        try await test.tamper("update batches set resumable_until = clock_timestamp()")
        await #expect(throws: (any Error).self) {
            try await test.tamper(
                "update batches set admitted_at = null, \(reset), status = 'validating', resumes = 1 where id = '\(job)'")
        }
        await test.store.close()
    }

    @Test func `each end is told as it was, also after the job went on`() async throws {
        let test = try await TestStore()
        let job = try await stopped(test)
        _ = try await test.store.dispatchEvents(to: StandingReceivers(sinks: ["broker"]))
        _ = try await test.store.resumeJob(job, project: test.project)
        _ = try await test.store.admitJobs(runningMax: 0)
        _ = try await test.store.reopenJob()
        _ = try await test.workOff(.random(), limit: 9)
        _ = try await test.store.closeBatches()
        try await end(test, "all", completed: 6)
        _ = try await test.store.dispatchEvents(to: StandingReceivers(sinks: ["broker"]))
        let page = try await test.store.listEvents(project: test.project, after: .oldest, types: nil, limit: 9)
        #expect(page.events.map(\.type) == [.batchCancelled, .batchCompleted])
        #expect(page.events.map(\.batch.status) == [.cancelled, .completed])
        #expect(page.events.map(\.batch.counts.completed) == [2, 6])
        #expect(page.events.map(\.batch.usage.totalTokens) == [2, 6])
        #expect(page.events.allSatisfy { $0.batch.id == job && $0.batch.outputFileID != nil })
        let duties = try await test.store.claimDeliveries(
            owner: .random(), places: DeliveryPlaces(all: 9, doubtful: 9, perTarget: 9), lease: .seconds(60))
        #expect(duties.first?.event == page.events.first)
        await test.store.close()
    }
}
