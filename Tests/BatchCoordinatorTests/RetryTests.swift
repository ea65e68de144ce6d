// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import BatchStore
import BatchTesting
import Testing

@testable import BatchCoordinator

@Suite(.serialized) struct RetryTests {
    private func retry(_ running: RunningCoordinator, _ parent: Batch, hash: UInt8 = 1) async throws -> Batch {
        let new = NewRetry(
            project: running.test.project, parent: parent.id, requestSHA256: [UInt8](repeating: hash, count: 32))
        return try await running.test.store.retryBatch(new).batch
    }

    private func ids(_ lines: [String]) -> [String] {
        lines.map { line in
            let rest = line.drop { $0 != "," }.dropFirst(#","custom_id":""#.count)
            return String(rest.prefix { $0 != "\"" })
        }
    }

    /// Every line of the packs that are ready, by physical number.
    private func readyLines(_ running: RunningCoordinator) async throws -> [Int] {
        var numbers: [Int] = []
        while true {
            let shards = try await running.test.store.claimShards(worker: .random(), limit: 8, lease: .seconds(600))
            if shards.isEmpty { return numbers.sorted() }
            for shard in shards { numbers += try LinePack(shard.pack).lines.map(\.number) }
        }
    }

    @Test func `a retry runs the failed lines only, under their physical numbers`() async throws {
        var limits = Limits()
        limits.shardLinesMax = 7
        try await RunningCoordinator.run(limits: limits) { running in
            let parent = try await running.submit("\n" + inputLines(100))
            _ = try await running.wait(for: parent.id, in: [.inProgress])
            try await running.work()
            let done = try await running.wait(for: parent.id, in: [.completed])
            // The blank first line makes request n physical line n + 1; odd lines fail.
            #expect(done.counts == RequestCounts(total: 100, completed: 50, failed: 50))
            let child = try await retry(running, done)
            let open = try await running.wait(for: child.id, in: [.inProgress, .failed])
            #expect(open.counts.total == 50 && open.parent == parent.id && open.model == "m")
            #expect(try await readyLines(running) == (1...100).filter { $0 % 2 == 0 }.map { $0 + 1 })
        }
    }

    @Test func `retries of retries end in an empty rest, and their results together are every line`() async throws {
        try await RunningCoordinator.run { running in
            let first = try await running.submit(inputLines(60))
            _ = try await running.wait(for: first.id, in: [.inProgress])
            try await running.work(onlyLinesBelow: 31)
            _ = try await running.test.store.cancelBatch(first.id, project: running.test.project)
            let cancelled = try await running.wait(for: first.id, in: [.cancelled])
            #expect(cancelled.counts == RequestCounts(total: 60, completed: 15, failed: 15))

            let second = try await retry(running, cancelled)
            _ = try await running.wait(for: second.id, in: [.inProgress])
            try await running.work()
            let half = try await running.wait(for: second.id, in: [.completed])
            #expect(half.counts == RequestCounts(total: 45, completed: 15, failed: 30))

            let third = try await retry(running, half, hash: 2)
            _ = try await running.wait(for: third.id, in: [.inProgress])
            try await running.work()
            let last = try await running.wait(for: third.id, in: [.completed])
            #expect(last.counts == RequestCounts(total: 30, completed: 0, failed: 30))
            #expect(last.outputFileID == nil)
            var found: [String] = []
            for id in [cancelled.outputFileID, half.outputFileID, last.errorFileID] {
                found += ids(try await running.lines(of: id))
            }
            #expect(Set(found) == Set((1...60).map { "id-\($0)" }) && found.count == 60)
            #expect(
                ids(try await running.lines(of: last.errorFileID)) == (1...60).filter { $0 % 2 == 1 }.map { "id-\($0)" }
            )
        }
    }

    @Test func `long answers and many failed lines are matched in bounded pieces`() async throws {
        try await RunningCoordinator.run { running in
            let parent = try await running.submit(inputLines(3_000))
            _ = try await running.wait(for: parent.id, in: [.inProgress])
            let filler = String(repeating: "x", count: 2_000)
            try await running.work { #"{"n":\#($0),"text":"\#(filler)"}"# }
            let done = try await running.wait(for: parent.id, in: [.completed])
            let child = try await retry(running, done)
            let open = try await running.wait(for: child.id, in: [.inProgress, .failed])
            #expect(open.counts.total == 1_500)
        }
    }

    @Test func `a retry whose error file is gone fails and says so`() async throws {
        try await RunningCoordinator.run { running in
            let parent = try await running.submit(inputLines(4))
            _ = try await running.wait(for: parent.id, in: [.inProgress])
            try await running.work()
            let done = try await running.wait(for: parent.id, in: [.completed])
            let error = try #require(done.errorFileID)
            let stored = try #require(try await running.test.store.findFile(error, project: running.test.project))
            // The row is there when the retry is asked for, the bytes are not.
            try await running.vault.delete(stored.vaultKey)
            let child = try await retry(running, done)
            let failed = try await running.wait(for: child.id, in: [.failed, .inProgress])
            #expect(failed.problems?.contains(#""param":"parent_batch_id""#) == true)
            #expect(failed.problems?.contains("was deleted or has expired") == true)
        }
    }

    @Test func `an error file of other lines fails the retry with the id`() async throws {
        try await RunningCoordinator.run { running in
            let parent = try await running.submit(inputLines(4))
            _ = try await running.wait(for: parent.id, in: [.inProgress])
            try await running.work()
            let done = try await running.wait(for: parent.id, in: [.completed])
            let other = try await running.upload(Array(#"{"id":"x","custom_id":"stranger"}"#.utf8))
            try await running.test.tamper(
                """
                update files set vault_key = vault_key || '-old' where id = '\(done.errorFileID?.rawValue ?? "")';
                update files set vault_key = vault_key || '-moved' where id = '\(other.id)';
                update files set vault_key = '\(other.vaultKey)', bytes = \(other.bytes)
                where id = '\(done.errorFileID?.rawValue ?? "")'
                """)
            let child = try await retry(running, done)
            let failed = try await running.wait(for: child.id, in: [.failed, .inProgress])
            #expect(failed.status == .failed)
            #expect(failed.problems?.contains(#"no line has the custom_id \"stranger\" in its place"#) == true)
        }
    }

    @Test func `a paused batch is opened, waits, and goes on when it is resumed`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await running.submit(inputLines(4))
            _ = try await running.test.store.pauseBatch(batch.id, project: running.test.project)
            let open = try await running.wait(for: batch.id, in: [.inProgress])
            #expect(open.pausedAt != nil)
            #expect(try await running.test.store.claimShards(worker: .random(), limit: 9, lease: .seconds(9)).isEmpty)
            _ = try await running.test.store.resumeBatch(batch.id, project: running.test.project)
            try await running.work()
            #expect(try await running.wait(for: batch.id, in: [.completed]).counts.total == 4)
        }
    }
}
