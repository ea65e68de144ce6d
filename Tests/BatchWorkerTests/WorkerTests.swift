// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import BatchTesting
import BatchWorker
import HTTPTesting
import Testing

@Suite(.timeLimit(.minutes(3)))
struct WorkerTests {
    private func claimed(_ test: TestStore) async throws -> Int64 {
        try await test.number("select count(*) from shards where state = 'claimed'")
    }

    @Test func `every line of every shard gets exactly one result under its own id`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 5, lines: 40)
        let rig = try WorkerRig(store: test.store) { request, connection in try connection.respond(text: request.text) }
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 200 }
        try await rig.shutDown()
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 5)
        #expect(outcomes.count == 200)
        for shard in 0..<5 {
            for line in 0..<40 {
                let results = outcomes["\"\(shard)-\(line)\""] ?? []
                #expect(results.count == 1)
                #expect(results.first?.kind == .success && results.first?.ordinal == line)
                #expect(results.first?.workerID == rig.id.rawValue)
                let body = String(decoding: results.first?.body ?? [], as: UTF8.self)
                #expect(body == #"{"model":"m","messages":[],"n":\#(line)}"#)
            }
        }
        #expect(rig.server.requestCount == 200 && rig.worker.statistics.linesCalled == 200)
        #expect(rig.worker.statistics.checkpointsWritten >= 5 && rig.worker.statistics.shardsClaimed == 5)
        #expect(try await test.number("select count(*) from shards where state = 'done'") == 5)
        #expect(try await test.number("select count(*) from workers") == 0)
    }

    @Test func `a batch that opens while the worker idles is heard of`() async throws {
        let test = try await TestStore()
        let rig = try WorkerRig(store: test.store, adjust: { $0.pollEvery = .seconds(3_600) }) { _, connection in
            try connection.respond(text: "{}")
        }
        try await until("heartbeat") { try await test.number("select count(*) from workers") == 1 }
        let batch = try await test.openBatch(shards: 2, lines: 2)
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 4 }
        try await rig.shutDown()
    }

    @Test func `a line is tried again until it succeeds, and its own faults are not`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 20)
        let tries = Tally()
        // Without patience refusals use up attempts like everything else.
        let rig = try WorkerRig(store: test.store, patience: .zero) { request, connection in
            let number = tries.add(request.text)
            if request.text.contains("\"n\":0}") {
                try connection.respond(400, text: #"{"error":{"code":"bad"}}"#)
            } else if request.text.contains("\"n\":1}") {
                try connection.respond(429, headers: [("Retry-After", "0")], text: #"{"error":{"code":"busy"}}"#)
            } else if number < 3 {
                try connection.respond(503, text: "later")
            } else {
                try connection.respond(text: "{}")
            }
        }
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 20 }
        try await rig.shutDown()
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 1)
        #expect(outcomes["\"0-0\""]?.map(\.attempts) == [1] && outcomes["\"0-0\""]?.map(\.statusCode) == [400])
        #expect(outcomes["\"0-1\""]?.map(\.attempts) == [5] && outcomes["\"0-1\""]?.map(\.statusCode) == [429])
        for line in 2..<20 { #expect(outcomes["\"0-\(line)\""]?.map(\.attempts) == [3]) }
        let counts = try #require(try await test.store.findBatch(batch.id, project: test.project)).counts
        #expect(counts.completed == 18 && counts.failed == 2)
    }

    @Test func `a worker that lost its lease writes nothing, and the shard is done once`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 4)
        let gate = TestSignal("epoch raised")
        let rig = try WorkerRig(store: test.store, adjust: { $0.renewEvery = .seconds(2) }) { _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        try await test.tamper(
            "update shards set state = 'ready', epoch = epoch + 1, worker_id = null, lease_until = null")
        gate.fire()
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 4 }
        try await rig.shutDown()
        #expect(try await test.number("select count(*) from segments where epoch < 3") == 0)
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 1)
        #expect(outcomes.count == 4 && outcomes.values.allSatisfy { $0.count == 1 })
    }

    @Test func `a cancelled batch starts no more calls, keeps what arrives in time, and gives its shards back`()
        async throws
    {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 3, lines: 50)
        let gate = TestSignal("cancelled")
        let rig = try WorkerRig(store: test.store, concurrency: 4, adjust: { $0.renewEvery = .seconds(2) }) {
            _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        // Untouched shards go back while calls are still in flight: proof that the news has arrived.
        try await until("untouched shards given back") { try await claimed(test) == 1 }
        gate.fire()
        try await until("all shards given back") { try await claimed(test) == 0 }
        #expect(rig.server.requestCount == 4)
        #expect(try await test.store.doneLines(of: batch) == 4)
        try await rig.shutDown()
    }

    @Test func `calls of a cancelled batch are aborted after their grace`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 10)
        let end = TestSignal("test over")
        let rig = try WorkerRig(store: test.store, concurrency: 4, adjust: { $0.cancelGrace = .milliseconds(100) }) {
            _, _ in try end.waitOnThread(seconds: 60)
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        _ = try await test.store.cancelBatch(batch.id, project: test.project)
        try await until("the shard given back") { try await claimed(test) == 0 }
        #expect(try await test.store.doneLines(of: batch) == 0)
        // Aborted calls leave their places to others.
        let next = try await test.openBatch(shards: 1, lines: 3)
        try await until("calls of the next batch") { rig.server.requestCount == 7 }
        end.fire()
        try await until("next batch retried") { try await test.store.doneLines(of: next) >= 0 }
        try await rig.abort()
    }

    @Test func `no call outlives the window, and what it cut is left to the coordinator`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 10)
        try await test.tamper("update batches set expires_at = clock_timestamp() + interval '6 seconds'")
        let end = TestSignal("test over")
        let rig = try WorkerRig(store: test.store, concurrency: 4) { _, _ in try end.waitOnThread(seconds: 60) }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        try await until("the shard given back") { try await claimed(test) == 0 }
        #expect(rig.server.requestCount == 4)
        #expect(try await test.store.doneLines(of: batch) == 0)
        end.fire()
        try await rig.shutDown()
    }
}
