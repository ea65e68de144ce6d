// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `A job of Ark's control plane` {
    @Test func `has an id that tells when it was made, and a place for its files`() async throws {
        let test = try await TestStore()
        let tags = #"[{"Key": "k", "Value": "v\""}]"#
        let id = try await test.makeArkJob(
            try test.newArkJob(projectName: "项目", name: "批量", model: .custom(id: "cm-1"), tags: tags))
        let match = try #require(id.rawValue.wholeMatch(of: /bi-([0-9]{14})-[a-z0-9]{5}/))
        let job = try #require(try await test.store.findArkJob(id, project: test.project))
        let shown = try await test.number(
            "extract(epoch from to_timestamp('\(match.1)', 'YYYYMMDDHH24MISS')::timestamp at time zone 'UTC')")
        #expect((shown...shown + 1).contains(job.createdAt))
        #expect(job.name == "批量" && job.projectName == "项目" && job.description == nil && job.tags == tags)
        #expect(job.model == .custom(id: "cm-1") && job.phase == .queued && job.phaseAt == job.createdAt)
        #expect(job.updatedAt == job.createdAt && job.batch.expiresAt == job.createdAt + 28 * 86_400)
        #expect(job.input.description == "tos://inputs/in/0.jsonl" && job.outputFolder.key == "out/")
        #expect(job.batch.profile == .ark && job.batch.model == "m")
        #expect(job.batch.remote.inputURL == "tos://inputs/in/0.jsonl")
        #expect(job.batch.remote.output?.url == "tos://outputs/out/\(id)/output/results.jsonl")
        #expect(job.batch.remote.output?.errorsURL == "tos://outputs/out/\(id)/error/errors.jsonl")
    }

    @Test func `is made once by one call, however many of its attempts are under way`() async throws {
        let test = try await TestStore()
        let new = try test.newArkJob(invocation: "i-1")
        let made = try await withThrowingTaskGroup(of: BatchID.self) { group in
            for _ in 0..<12 { group.addTask { try await test.makeArkJob(new) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made.count == 12 && Set(made).count == 1)
        #expect(try await test.number("select count(*) from batches") == 1)
        // After a restart, too, and even when the job has ended.
        try await test.failArkJob(made[0])
        let again = test.again()
        #expect(try await again.insertArkJob(new, limits: ArkLimits(), isDryRun: false) == made[0])
        #expect(try await again.findArkJob(madeLike: new, limits: ArkLimits()) == made[0])
        await again.close()
        let refused = try await test.refusal { try await test.makeArkJob(try test.newArkJob(1, invocation: "i-1")) }
        #expect(refused == .invocationReused)
        // The id is the caller's own, and not remembered for ever.
        let other = try await test.makeArkJob(try test.newArkJob(1, user: "AKLT2", invocation: "i-1"))
        #expect(other != made[0])
        try await test.tamper("update ark_invocations set created_at = created_at - interval '86401 seconds'")
        let later = try await test.makeArkJob(try test.newArkJob(2, invocation: "i-1"))
        #expect(later != made[0])
        #expect(try await test.number("select count(*) from ark_invocations") == 1)
    }

    @Test func `keeps its user from running the same file in the same project twice`() async throws {
        let test = try await TestStore()
        let results = try await withThrowingTaskGroup(of: (BatchID?, ArkRefusal?).self) { group in
            for number in 0..<8 {
                group.addTask {
                    var made: BatchID?
                    let new = try test.newArkJob(invocation: "i-\(number)")
                    let refusal = try await test.refusal { made = try await test.makeArkJob(new) }
                    return (made, refusal)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let made = results.compactMap(\.0)
        let first = try #require(made.first)
        #expect(made.count == 1 && results.compactMap(\.1) == [ArkRefusal](repeating: .isRunning(first), count: 7))
        _ = try await test.makeArkJob(try test.newArkJob(user: "AKLT2"))
        _ = try await test.makeArkJob(try test.newArkJob(projectName: "other"))
        _ = try await test.makeArkJob(try test.newArkJob(1))
        let stranger = try await test.store.ensureProject(name: "stranger")
        _ = try await test.makeArkJob(try test.newArkJob(project: stranger))
        try await test.failArkJob(first)
        let second = try await test.makeArkJob(try test.newArkJob())
        #expect(second != first)
        // What only an accident could do, the database refuses.
        await #expect(throws: (any Error).self) {
            try await test.tamper("update ark_jobs set phase = 'Running' where batch_id = '\(first)'")
        }
    }

    @Test func `counts for as long as the limit of its project says, also when it was deleted`() async throws {
        let test = try await TestStore()
        var limits = ArkLimits()
        limits.jobsMax = 3
        let within = limits
        let made = try await withThrowingTaskGroup(of: BatchID?.self) { group in
            for number in 0..<9 {
                group.addTask {
                    var made: BatchID?
                    let new = try test.newArkJob(number)
                    let refusal = try await test.refusal { made = try await test.makeArkJob(new, limits: within) }
                    #expect(refusal == nil || refusal == .tooMany(count: 3, max: 3, seconds: 604_800))
                    return made
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }.compactMap { $0 }
        #expect(made.count == 3)
        try await test.failArkJob(made[0])
        try await test.store.deleteArkJob(made[0], project: test.project)
        let still = try await test.refusal { try await test.makeArkJob(try test.newArkJob(10), limits: limits) }
        #expect(still == .tooMany(count: 3, max: 3, seconds: 604_800))
        _ = try await test.makeArkJob(try test.newArkJob(10, projectName: "other"), limits: limits)
        try await test.tamper(
            "update ark_jobs set created_at = created_at - interval '7 days' where batch_id = '\(made[1])'")
        _ = try await test.makeArkJob(try test.newArkJob(11), limits: limits)
        limits.jobsMax = 0
        _ = try await test.makeArkJob(try test.newArkJob(12), limits: limits)
    }

    @Test func `is not made by a dry run, which is refused like any other`() async throws {
        let test = try await TestStore()
        let limits = ArkLimits()
        #expect(try await test.store.insertArkJob(try test.newArkJob(), limits: limits, isDryRun: true) == nil)
        #expect(try await test.number("select count(*) from batches") == 0)
        let made = try await test.makeArkJob(try test.newArkJob())
        let refused = try await test.refusal {
            try await test.store.insertArkJob(try test.newArkJob(), limits: limits, isDryRun: true)
        }
        #expect(refused == .isRunning(made))
    }

    @Test func `has a phase for every status of its batch, and the moment it began`() async throws {
        let test = try await TestStore()
        let id = try await test.makeArkJob(try test.newArkJob())
        try await test.tamper(
            "update ark_jobs set phase_at = now() - interval '1 day', updated_at = now() - interval '1 day'")
        let before = try #require(try await test.store.findArkJob(id, project: test.project))
        #expect(before.phase == .queued)
        let steps: [(String, ArkPhase)] = [
            ("status = 'in_progress', total = 3", .running), ("status = 'finalizing', ending = 'completed'", .running),
            ("status = 'finalizing', ending = 'expired'", .terminating),
            ("status = 'cancelling', ending = 'cancelled'", .terminating),
            ("status = 'cancelled', cancelled_at = now()", .terminated),
        ]
        for (change, phase) in steps {
            try await test.tamper("update batches set \(change) where id = '\(id)'")
            let job = try #require(try await test.store.findArkJob(id, project: test.project))
            #expect(job.phase == phase && job.phaseAt > before.phaseAt && job.updatedAt == job.phaseAt, "\(change)")
        }
        for (change, phase) in [
            ("status = 'completed', completed_at = now()", ArkPhase.completed),
            ("status = 'expired', expired_at = now()", .terminated),
            ("status = 'failed', failed_at = now(), problems = '[]'", .failed),
        ] {
            let other = try await test.makeArkJob(try test.newArkJob(1))
            try await test.tamper("update batches set \(change) where id = '\(other)'")
            #expect(try await test.store.findArkJob(other, project: test.project)?.phase == phase)
            #expect(phase.hasEnded)
        }
    }

    @Test func `is seen in no other profile`() async throws {
        let test = try await TestStore()
        let plain = try await test.makeBatch()
        let job = try await test.makeArkJob(try test.newArkJob())
        let last = try await test.makeBatch()
        let (store, project) = (test.store, test.project)
        #expect(try await store.findBatch(job, project: project) == nil)
        #expect(
            try await store.listBatches(project: project, after: nil, limit: 9).elements.map(\.id) == [
                last.id, plain.id,
            ])
        var filter = BatchFilter()
        filter.statuses = [.validating]
        let filtered = try await store.listBatches(project: project, after: nil, limit: 9, filter: filter)
        #expect(filtered.elements.map(\.id) == [last.id, plain.id])
        func status(_ body: () async throws -> Void) async -> Int? {
            do { try await body() } catch let error as BatchError { return error.status } catch { return nil }
            return 200
        }
        #expect(await status { _ = try await store.listBatches(project: project, after: job, limit: 9) } == 400)
        #expect(await status { _ = try await store.cancelBatch(job, project: project) } == 404)
        #expect(await status { _ = try await store.pauseBatch(job, project: project) } == 404)
        #expect(await status { _ = try await store.resumeBatch(job, project: project) } == 404)
        let retry = NewRetry(project: project, parent: job, requestSHA256: [1])
        #expect(await status { _ = try await store.retryBatch(retry) } == 404)
        #expect(await status { _ = try await store.cancelBatch(plain.id, project: project, inArk: true) } == 404)
        #expect(try await store.findArkJob(plain.id, project: project) == nil)
        let stopped = try await store.cancelBatch(job, project: project, inArk: true)
        #expect(stopped.status == .cancelling && stopped.profile == .ark)
    }
}
