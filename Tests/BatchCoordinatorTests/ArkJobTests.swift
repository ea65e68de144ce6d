// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchFiles
import BatchStore
import BatchTesting
import Foundation
import Testing

@Suite(.serialized) struct `A job in Ark's manner` {
    private func submit(_ running: RunningCoordinator, _ text: String, model: String = "served") async throws -> BatchID {
        let file = try await running.upload(Array(text.utf8))
        var new = NewBatch(
            project: running.test.project, inputFileID: file.id.rawValue, endpoint: "/v1/chat/completions",
            window: try #require(CompletionWindow("1d", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: 0, count: 32))
        var generator = SystemRandomNumberGenerator()
        (new.profile, new.model) = (.ark, model)
        new.id = .ark(madeAt: Int64.random(in: 0...4_000_000_000), using: &generator)
        return try await running.test.store.insertBatch(new).batch.id
    }

    /// The end of a job, as its event tells of it; `run` counts from 0.
    private func end(_ running: RunningCoordinator, of job: BatchID, run: Int = 0) async throws -> Batch {
        try await eventually("end \(run) of \(job)") {
            let page = try await running.test.store.listEvents(
                project: running.test.project, after: .oldest, types: nil, limit: 100)
            return page.events.filter { $0.batch.id == job }.dropFirst(run).first?.batch
        }
    }

    private func reach(_ running: RunningCoordinator, _ job: BatchID, _ status: BatchStatus) async throws {
        let sql = "select count(*) from batches where id = '\(job)' and status = '\(status.rawValue)'"
        _ = try await eventually("\(job) is \(status)") { try await running.test.number(sql) == 1 ? true : nil }
    }

    private func lines(_ numbers: ClosedRange<Int>) -> String {
        numbers.map { #"{"custom_id":"id-\#($0)","body":{"z" : 1.0,"messages":[], "b":null}}"# + "\n\n" }.joined()
    }

    @Test func `runs the model of the job with bodies that are otherwise untouched`() async throws {
        try await RunningCoordinator.run(knowsModel: { $0 == "served" }) { running in
            let text =
                lines(1...1)
                + #"{"custom_id":"id-2","model":"x","body":{"a":1,"model" : "mine" ,"messages":[{"model":"deep"}]}}"#
            let job = try await submit(running, text)
            try await reach(running, job, .inProgress)
            let worker = WorkerID.random()
            let shard = try #require(
                await running.test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60)).first)
            #expect(shard.model == "served" && shard.endpoint == "/v1/chat/completions")
            let packed = try LinePack(shard.pack).lines
            #expect(packed.map(\.number) == [1, 3])
            #expect(
                packed.map { String(decoding: $0.body, as: UTF8.self) } == [
                    #"{"model":"served","z" : 1.0,"messages":[], "b":null}"#,
                    #"{"a":1,"model" : "served" ,"messages":[{"model":"deep"}]}"#,
                ])
            _ = try await running.test.store.releaseShards(worker: worker, [shard.lease])
            try await running.work { #"{"error":{"message":"no \#($0)","code":"bad","type":"odd"}}"# }
            let batch = try await end(running, of: job)
            #expect(batch.status == .completed && batch.counts == RequestCounts(total: 2, failed: 2))
            #expect(batch.model == "served")
            // Nothing succeeded, and whoever looks where results are finds that.
            #expect(batch.outputFileID != nil)
            #expect(try await running.lines(of: batch.outputFileID) == [])
            let errors = try await running.lines(of: batch.errorFileID)
            let digits = job.rawValue
            #expect(
                errors == [1, 3].enumerated().map { ordinal, number in
                    #"{"id":"batch_req_\#(digits)0000000\#(ordinal)","custom_id":"id-\#(ordinal + 1)","response":null,"#
                        + #""error":{"code":"bad","type":"odd","message":"no \#(number)"}}"#
                })
        }
    }

    @Test func `fails when nobody serves its model, or a line is none`() async throws {
        try await RunningCoordinator.run(knowsModel: { $0 == "served" }) { running in
            let strange = try await end(running, of: submit(running, lines(1...1), model: "strange"))
            #expect(strange.status == .failed && strange.problems?.contains("ModelReference") == true)
            let bad = try await end(running, of: submit(running, lines(1...2) + "{}\n"))
            #expect(bad.status == .failed && bad.problems?.contains("missing_required_parameter") == true)
            #expect(bad.outputFileID == nil && bad.errorFileID == nil)
        }
    }

    @Test func `goes on where it was stopped, and its files are whole again`() async throws {
        var limits = Limits()
        limits.shardLinesMax = 4
        try await RunningCoordinator.run(limits: limits) { running in
            let job = try await submit(running, lines(1...10))
            try await reach(running, job, .inProgress)
            // Lines stand on the odd numbers, which fail here; so only what is left out tells the runs apart.
            try await running.work(onlyLinesBelow: 12)
            _ = try await running.test.store.cancelBatch(job, project: running.test.project, inArk: true)
            let stopped = try await end(running, of: job)
            #expect(stopped.status == .cancelled && stopped.counts == RequestCounts(total: 10, failed: 6))
            let first = try await running.lines(of: stopped.errorFileID)
            #expect(first.count == 10 && first.filter { $0.contains("batch_cancelled") }.count == 4)
            #expect(try await running.test.number("select count(*) from shards where batch_id = '\(job)'") == 3)

            #expect(
                try await running.test.store.resumeJob(job, project: running.test.project).counts == stopped.counts)
            try await reach(running, job, .inProgress)
            try await running.work()
            let complete = try await end(running, of: job, run: 1)
            #expect(complete.status == .completed && complete.counts == RequestCounts(total: 10, failed: 10))
            #expect(complete.usage.totalTokens == 20)
            let second = try await running.lines(of: complete.errorFileID)
            #expect(second.prefix(6) == first.prefix(6) && second.count == 10)
            #expect(second.enumerated().allSatisfy { $1.contains(#""custom_id":"id-\#($0 + 1)""#) })
            // Now nothing is kept any more.
            _ = try await eventually("no shards") {
                try await running.test.number("select count(*) from shards where batch_id = '\(job)'") == 0 ? true : nil
            }
        }
    }

    @Test func `waits while as many of its queue are under way as may be, and runs when one ends`() async throws {
        var limits = Limits()
        limits.ark.runningMax = 2
        try await RunningCoordinator.run(limits: limits) { running in
            var jobs: [BatchID] = []
            for _ in 0..<4 { jobs.append(try await submit(running, lines(1...1))) }
            for job in jobs.prefix(2) { try await reach(running, job, .inProgress) }
            #expect(try await running.test.number("select count(*) from batches where admitted_at is not null") == 2)
            _ = try await running.test.store.cancelBatch(jobs[0], project: running.test.project, inArk: true)
            _ = try await end(running, of: jobs[0])
            try await reach(running, jobs[2], .inProgress)
            #expect(try await running.test.number("select count(*) from batches where admitted_at is not null") == 3)
            // A resumed one waits like the others, but it is the oldest of them.
            _ = try await running.test.store.resumeJob(jobs[0], project: running.test.project)
            _ = try await running.test.store.cancelBatch(jobs[1], project: running.test.project, inArk: true)
            try await reach(running, jobs[0], .inProgress)
            #expect(
                try await running.test.number(
                    "select count(*) from batches where id = '\(jobs[3])' and admitted_at is null") == 1)
            _ = try await eventually("three complete jobs") {
                try await running.work()
                let sql = "select count(*) from batches where status = 'completed'"
                return try await running.test.number(sql) == 3 ? true : nil
            }
            #expect(try await end(running, of: jobs[3]).counts.failed == 1)
        }
    }
}
