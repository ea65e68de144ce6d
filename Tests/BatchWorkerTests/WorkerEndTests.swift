// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import BatchTesting
import BatchWorker
import HTTPTesting
import Testing

@Suite(.timeLimit(.minutes(3)))
struct WorkerEndTests {
    private func claimed(_ test: TestStore) async throws -> Int64 {
        try await test.number("select count(*) from shards where state = 'claimed'")
    }

    @Test func `a drain keeps its calls, gives the rest back at once, and records what arrives`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 3, lines: 50)
        let gate = TestSignal("drain begun")
        let rig = try WorkerRig(store: test.store, concurrency: 4) { _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        try await until("claimed ahead") { try await claimed(test) >= 1 }
        await rig.beginShutDown()
        try await until("untouched shards given back") { try await claimed(test) == 1 }
        #expect(try await test.store.doneLines(of: batch) == 0)
        gate.fire()
        try await rig.wait()
        #expect(rig.server.requestCount == 4)
        #expect(try await test.store.doneLines(of: batch) == 4)
        #expect(try await claimed(test) == 0)
        #expect(try await test.number("select count(*) from workers") == 0)
        #expect(try await test.number("select max(attempts) from shards") == 0)
    }

    @Test func `a drain that takes too long aborts its calls`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 10)
        let end = TestSignal("test over")
        let rig = try WorkerRig(store: test.store, concurrency: 4, adjust: { $0.drainDeadline = .milliseconds(200) }) {
            _, _ in try end.waitOnThread(seconds: 60)
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        try await rig.shutDown()
        end.fire()
        #expect(try await claimed(test) == 0)
        #expect(try await test.store.doneLines(of: batch) == 0)
    }

    @Test func `told twice, a worker aborts, records what it has and leaves`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 8)
        let end = TestSignal("test over")
        let answered = Tally()
        let rig = try WorkerRig(
            store: test.store, concurrency: 4,
            adjust: {
                // Nothing is recorded before the farewell.
                $0.checkpointEvery = .seconds(5)
            }
        ) { request, connection in
            guard request.text.contains("\"n\":0}") else { return try end.waitOnThread(seconds: 60) }
            try connection.respond(text: "{}")
            answered.add()
        }
        try await until("one answered, the others in flight") {
            answered.count() == 1 && rig.server.requestCount == 5
        }
        try await rig.abort()
        end.fire()
        #expect(try await test.store.doneLines(of: batch) == 1)
        #expect(try await claimed(test) == 0)
        #expect(try await test.number("select count(*) from workers") == 0)
    }

    @Test func `a worker that takes over calls only what is missing`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 2, lines: 10)
        let stranger = WorkerID.random()
        let shards = try await test.store.claimShards(worker: stranger, limit: 2, lease: .seconds(60))
        for shard in shards {
            let checkpoint = try TestStore.checkpoint(shard, sequence: 0, ordinals: [0, 3, 9])
            let written = try await test.store.record(worker: stranger, [checkpoint], lease: .seconds(60))
            #expect(written == [shard.lease])
        }
        #expect(try await test.store.releaseShards(worker: stranger, shards.map(\.lease)) == 2)
        let rig = try WorkerRig(store: test.store) { _, connection in try connection.respond(text: "{}") }
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 20 }
        try await rig.shutDown()
        #expect(rig.server.requestCount == 14)
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 2)
        #expect(outcomes.count == 20 && outcomes.values.allSatisfy { $0.count == 1 })
    }
}
