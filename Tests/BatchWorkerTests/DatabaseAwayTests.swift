// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import BatchTesting
import BatchWorker
import HTTPTesting
import Logging
import Postgres
import PostgresTesting
import Testing

@Suite(.timeLimit(.minutes(3)), .enabled(if: PrivatePostgres.isPrivate))
struct DatabaseAwayTests {
    private func store(on cluster: PrivatePostgres) async throws -> Store {
        try await store(at: cluster.createDatabase())
    }

    private func store(at address: String) async throws -> Store {
        // Test clusters forget their latest commits when they are killed; this one must not.
        let url = address + "&options=-c%20synchronous_commit%3Don"
        let configuration = PoolConfiguration(url: url, acquireTimeout: .seconds(2))
        let store = Store(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        _ = try await store.migrate()
        return store
    }

    private func openBatch(_ store: Store, shards: Int, lines: Int) async throws -> Batch {
        let window = try #require(CompletionWindow("24h", range: 1...Int64.max))
        let batch = try await store.insertBatch(
            NewBatch(
                project: try await store.ensureProject(name: "tests"), inputFileID: "file-none",
                endpoint: "/v1/chat/completions", window: window, requestSHA256: [UInt8](repeating: 0, count: 32))
        ).batch
        let duty = try #require(try await store.claimValidation(owner: .random(), lease: .seconds(60))).lease
        let drafts = (0..<shards).map { number in
            DraftShard(number: Int32(number), lineCount: lines, pack: TestStore.pack(shard: number, lines: lines))
        }
        #expect(try await store.insertDrafts(duty, drafts))
        #expect(try await store.openShards(duty, total: Int64(shards * lines), model: "m"))
        return batch
    }

    /// Runs `accident` while results arrive that cannot be recorded, and checks that none is lost or computed again.
    private func survive(_ accident: (PrivatePostgres) throws -> Void) async throws {
        let cluster = try PrivatePostgres.start()
        let store = try await store(on: cluster)
        let batch = try await openBatch(store, shards: 4, lines: 30)
        let gate = TestSignal("database away")
        let calls = Tally()
        let rig = try WorkerRig(store: store, concurrency: 40, adjust: { $0.lease = .seconds(60) }) {
            _, connection in
            if calls.add() > 20 { try gate.waitOnThread() }
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 60 }
        try accident(cluster)
        gate.fire()
        try await until("results arrive without a database") { rig.worker.statistics.linesCalled >= 60 }
        try cluster.restart()
        try await until("all lines done") {
            // The test's own connection has to come back, too.
            (try? await store.doneLines(of: batch)) == 120
        }
        try await rig.shutDown()
        #expect(rig.server.requestCount == 120)
        let outcomes = try await store.outcomes(of: batch.id, shards: 4)
        #expect(outcomes.count == 120 && outcomes.values.allSatisfy { $0.count == 1 })
    }

    @Test func `a failover to another host costs no result and no second call`() async throws {
        let primary = try PrivatePostgres.start()
        // postgresql://postgres@/NAME?host=…
        let name = String(try primary.createDatabase().split(separator: "/")[2].prefix { $0 != "?" })
        let standby = try primary.startStandby()
        let store = try await store(at: primary.url(database: name, or: standby))
        let batch = try await openBatch(store, shards: 4, lines: 30)
        let gate = TestSignal("primary gone")
        let calls = Tally()
        let rig = try WorkerRig(store: store, concurrency: 40, adjust: { $0.lease = .seconds(60) }) {
            _, connection in
            if calls.add() > 20 { try gate.waitOnThread() }
            try connection.respond(text: "{}")
        }
        try await until("calls in flight") { rig.server.requestCount == 60 }
        try primary.kill()
        gate.fire()
        try await until("results arrive without a database") { rig.worker.statistics.linesCalled >= 60 }
        try standby.promote()
        // The new primary has no standby of its own to wait for.
        try standby.runScript("alter system reset synchronous_standby_names")
        try standby.runScript("select pg_reload_conf()")
        try await until("all lines done") { (try? await store.doneLines(of: batch)) == 120 }
        try await rig.shutDown()
        #expect(rig.server.requestCount == 120)
        let outcomes = try await store.outcomes(of: batch.id, shards: 4)
        #expect(outcomes.count == 120 && outcomes.values.allSatisfy { $0.count == 1 })
    }

    @Test func `a database that stops and comes back costs no result and no second call`() async throws {
        try await survive { try $0.stop() }
    }

    @Test func `a database that is killed and comes back costs no result and no second call`() async throws {
        try await survive { try $0.kill() }
    }
}
