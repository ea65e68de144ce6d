// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import BatchTesting
import BatchWorker
import HTTPTesting
import Testing

/// Several workers on one batch, and what changes while they work.
@Suite(.timeLimit(.minutes(3)))
struct SharedWorkTests {
    @Test func `an idle worker gets a part of the last shard, and each line has one result`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 100)
        let gate = TestSignal("second worker at work")
        let server = try ScriptedServer { _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        let first = try WorkerRig(store: test.store, concurrency: 4, server: server) { _, _ in }
        try await until("first worker's calls") { server.requestCount == 4 }
        let second = try WorkerRig(store: test.store, concurrency: 4, server: server) { _, _ in }
        try await until("second worker's calls") { server.requestCount == 8 }
        gate.fire()
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 100 }
        try await until("every part closed") {
            try await test.number("select count(*) from shards where state <> 'done'") == 0
        }
        try await first.shutDown()
        try await second.shutDown()
        #expect(server.requestCount == 100)
        #expect(try await test.number("select count(*) from shards") >= 2)
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 1)
        #expect(outcomes.count == 100 && outcomes.values.allSatisfy { $0.count == 1 })
        #expect(Set(outcomes.values.compactMap(\.first?.workerID)) == [first.id.rawValue, second.id.rawValue])
    }

    @Test func `a paused batch starts nothing, keeps what was in flight, and goes on when resumed`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 2, lines: 20)
        let gate = TestSignal("paused")
        let rig = try WorkerRig(store: test.store, concurrency: 4) { _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        _ = try await test.store.pauseBatch(batch.id, project: test.project)
        try await until("untouched shards given back") {
            try await test.number("select count(*) from shards where state = 'claimed'") == 1
        }
        gate.fire()
        try await until("all given back") {
            try await test.number("select count(*) from shards where state = 'claimed'") == 0
        }
        #expect(rig.server.requestCount == 4)
        #expect(try await test.store.doneLines(of: batch) == 4)
        _ = try await test.store.resumeBatch(batch.id, project: test.project)
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 40 }
        try await rig.shutDown()
        #expect(rig.server.requestCount == 40)
    }

    @Test func `a small batch does not wait behind the lines of a big one that are on hand`() async throws {
        let test = try await TestStore()
        let big = try await test.openBatch(shards: 4, lines: 200)
        let order = Tally()
        let gate = TestSignal("small batch open")
        let rig = try WorkerRig(store: test.store, concurrency: 4) { _, connection in
            try gate.waitOnThread()
            order.add()
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 4 }
        let small = try await test.openBatch(shards: 1, lines: 10)
        try await until("the small batch claimed") {
            try await test.number("select count(*) from shards where state = 'claimed' and line_count = 10") == 1
        }
        gate.fire()
        try await until("small batch done") { try await test.store.doneLines(of: small) == 10 }
        #expect(try await test.store.doneLines(of: big) < 400)
        try await rig.abort()
    }

    @Test func `a cap over the whole cluster holds for all workers together`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 6, lines: 50)
        let gate = TestSignal("looked")
        let server = try ScriptedServer { _, connection in
            try gate.waitOnThread()
            try connection.respond(text: "{}")
        }
        let rigs = try (0..<3).map { _ in
            try WorkerRig(
                store: test.store, concurrency: 20, clusterConcurrency: 9, server: server,
                adjust: {
                    $0.heartbeatEvery = .milliseconds(100)
                    $0.shareSilence = .seconds(2)
                }
            ) { _, _ in }
        }
        try await until("the cap is used") { server.requestCount == 9 }
        // Several heartbeats later it still holds.
        let beats = try await test.number("select sum(extract(epoch from heartbeat_at) * 1000)::int8 from workers")
        try await until("more heartbeats") {
            try await test.number("select sum(extract(epoch from heartbeat_at) * 1000)::int8 from workers")
                > beats + 1_500
        }
        #expect(server.requestCount == 9)
        gate.fire()
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 300 }
        for rig in rigs { try await rig.shutDown() }
        #expect(server.requestCount == 300)
    }

    @Test func `lines of a backend that cannot be reached wait without using up attempts`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 1, lines: 3)
        let tries = Tally()
        let rig = try WorkerRig(store: test.store, attemptsMax: 2) { _, connection in
            // Refused again and again, more often than attempts are allowed.
            if tries.add() <= 20 {
                try connection.respond(503, text: "starting")
            } else {
                try connection.respond(text: "{}")
            }
        }
        try await until("all lines done") { try await test.store.doneLines(of: batch) == 3 }
        try await rig.shutDown()
        let counts = try #require(try await test.store.findBatch(batch.id, project: test.project)).counts
        #expect(counts.completed == 3 && counts.failed == 0)
        let outcomes = try await test.store.outcomes(of: batch.id, shards: 1)
        #expect(outcomes.values.allSatisfy { ($0.first?.attempts ?? 0) >= 1 })
        #expect(outcomes.values.contains { $0.first?.lastError.contains("503") ?? false })
    }
}
