// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite(.serialized) struct CoordinatorTests {
    private func customIDs(_ lines: [String]) -> [String] {
        lines.map { line in
            let rest = line.drop { $0 != "," }.dropFirst(#","custom_id":""#.count)
            return String(rest.prefix { $0 != "\"" })
        }
    }

    @Test func `results come out in input order, each line once, with counts and usage that add up`() async throws {
        var limits = Limits()
        limits.shardLinesMax = 7
        try await RunningCoordinator.run(limits: limits) { running in
            let batch = try await running.submit(inputLines(100))
            let open = try await running.wait(for: batch.id, in: [.inProgress])
            #expect(open.counts.total == 100 && open.model == "m")
            try await running.work()
            let done = try await running.wait(for: batch.id, in: [.completed])
            #expect(done.counts == RequestCounts(total: 100, completed: 50, failed: 50))
            #expect(done.usage.totalTokens == 200)
            let output = try await running.lines(of: done.outputFileID)
            let errors = try await running.lines(of: done.errorFileID)
            #expect(customIDs(output) == (1...100).filter { $0 % 2 == 0 }.map { "id-\($0)" })
            #expect(customIDs(errors) == (1...100).filter { $0 % 2 == 1 }.map { "id-\($0)" })
            #expect(output.first?.contains(#""body":{"n":2}"#) == true)
            #expect(errors.first?.contains(#""status_code":400"#) == true)
        }
    }

    @Test func `answers larger than the spool's memory come out the same`() async throws {
        try await RunningCoordinator.run(spoolMemoryBytesMax: 4_096) { running in
            let batch = try await running.submit(inputLines(40))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            let filler = String(repeating: "x", count: 3_000)
            try await running.work { #"{"n":\#($0),"text":"\#(filler)"}"# }
            let done = try await running.wait(for: batch.id, in: [.completed])
            let output = try await running.lines(of: done.outputFileID)
            #expect(output.count == 20)
            for (index, line) in output.enumerated() {
                #expect(line.contains(#"{"n":\#((index + 1) * 2),"text":"\#(filler)"}"#))
            }
        }
    }

    @Test func `one bad line fails the batch, names every problem, and nothing can be claimed`() async throws {
        try await RunningCoordinator.run { running in
            let bad = #"{"custom_id":"id-1","method":"GET","url":"/v1/embeddings","body":{"model":"m","messages":[]}}"#
            let batch = try await running.submit(inputLines(300) + bad + "\nnot json\n")
            let failed = try await running.wait(for: batch.id, in: [.failed, .inProgress])
            #expect(failed.status == .failed && failed.outputFileID == nil && failed.errorFileID == nil)
            let problems = try #require(failed.problems)
            for code in ["invalid_method", "invalid_url", "duplicate_custom_id", "invalid_json_line"] {
                #expect(problems.contains(code), "\(code) in \(problems)")
            }
            #expect(problems.contains(#""line":302"#))
            #expect(try await running.test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(9)).isEmpty)
        }
    }

    @Test func `an unknown file or one of another purpose fails the batch and says so`() async throws {
        try await RunningCoordinator.run { running in
            let unknown = try await running.test.makeBatch(inputFileID: "file-nowhere")
            let wrong = try await running.upload(Array(inputLines(1).utf8), purpose: .userData)
            let other = try await running.test.makeBatch(inputFileID: wrong.id.rawValue)
            for batch in [unknown, other] {
                let failed = try await running.wait(for: batch.id, in: [.failed])
                #expect(failed.problems?.contains(#""param":"file_id""#) == true)
            }
        }
    }

    @Test func `a model that no backend serves is refused`() async throws {
        try await RunningCoordinator.run(knowsModel: { $0 == "known" }) { running in
            let batch = try await running.submit(inputLines(2, model: "unknown"))
            let failed = try await running.wait(for: batch.id, in: [.failed])
            #expect(failed.problems?.contains("model_not_found") == true)
        }
    }

    @Test func `a model name that no database could store is refused as unknown`() async throws {
        try await RunningCoordinator.run { running in
            for model in ["a\\u0000", String(repeating: "m", count: 600)] {
                let batch = try await running.submit(inputLines(1, model: model))
                let failed = try await running.wait(for: batch.id, in: [.failed])
                #expect(failed.problems?.contains("model_not_found") == true)
            }
        }
    }

    @Test func `cancel keeps what is done and lists the rest as cancelled, without any worker`() async throws {
        var limits = Limits()
        limits.shardLinesMax = 10
        try await RunningCoordinator.run(limits: limits) { running in
            let batch = try await running.submit(inputLines(50))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            // Two shards done, a third held by a worker that never comes back.
            let worker = WorkerID.random()
            let held = try await running.test.store.claimShards(worker: worker, limit: 3, lease: .seconds(600))
            for shard in held.prefix(2) {
                let all = try TestStore.checkpoint(shard, sequence: 0, ordinals: Array(0..<10))
                _ = try await running.test.store.record(worker: worker, [all], lease: .seconds(600))
            }
            _ = try await running.test.store.cancelBatch(batch.id, project: running.test.project)
            let done = try await running.wait(for: batch.id, in: [.cancelled])
            #expect(done.counts == RequestCounts(total: 50, completed: 20, failed: 0))
            let output = try await running.lines(of: done.outputFileID)
            let errors = try await running.lines(of: done.errorFileID)
            #expect(customIDs(output + errors) == (1...50).map { "id-\($0)" })
            #expect(errors.allSatisfy { $0.contains("batch_cancelled") })
            let late = try TestStore.checkpoint(held[2], sequence: 0, ordinals: [0])
            #expect(try await running.test.store.record(worker: worker, [late], lease: .seconds(9)).isEmpty)
        }
    }

    @Test func `a window that passes keeps what is done and lists the rest as expired`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await running.submit(inputLines(10))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            try await running.work(onlyLinesBelow: 5)
            try await running.test.tamper("update batches set expires_at = clock_timestamp()")
            let done = try await running.wait(for: batch.id, in: [.expired])
            #expect(done.counts == RequestCounts(total: 10, completed: 2, failed: 2))
            let errors = try await running.lines(of: done.errorFileID)
            #expect(customIDs(errors) == [1, 3, 5, 6, 7, 8, 9, 10].map { "id-\($0)" })
            #expect(errors.filter { $0.contains("batch_expired") }.count == 6)
        }
    }

    @Test func `what a batch leaves behind is swept once it has ended`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await running.submit(inputLines(10))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            try await running.work()
            let done = try await running.wait(for: batch.id, in: [.completed])
            try await eventually("the batch is swept") {
                try await running.test.number("select count(*) from batches where swept_at is null") == 0 ? true : nil
            }
            #expect(try await running.test.number("select count(*) from shards") == 0)
            #expect(try await running.test.number("select count(*) from segments") == 0)
            #expect(try await running.test.store.findBatch(batch.id, project: running.test.project) == done)
        }
    }
}
