// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct ForecastTests {
    /// Moves the last look into the past, as time would.
    private func age(_ test: TestStore, seconds: Int) async throws {
        try await test.tamper("update batches set forecast_at = forecast_at - interval '\(seconds) seconds'")
    }

    private func look(_ test: TestStore) async throws -> Int {
        try await test.store.forecastBatches(every: .seconds(5))
    }

    private func isUrgent(_ batch: Batch, _ test: TestStore) async throws -> Bool {
        try await test.number("select count(*) from batches where urgent and id = '\(batch.id)'") == 1
    }

    @Test func `a batch that would miss its window at its rate becomes urgent, and no longer is when it gains`()
        async throws
    {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 100, lines: 10)
        let worker = WorkerID.random()
        #expect(try await look(test) == 0)
        _ = try await test.workOff(worker, limit: 1)
        try await age(test, seconds: 10)
        #expect(try await look(test) == 0)
        #expect(try await !isUrgent(batch, test), "990 lines at 1/s fit into 24 hours")
        try await test.tamper("update batches set expires_at = clock_timestamp() + interval '1000 seconds'")
        _ = try await test.workOff(worker, limit: 1)
        try await age(test, seconds: 10)
        #expect(try await look(test) == 1)
        #expect(try await isUrgent(batch, test))
        let urgent = try await test.store.claimShards(worker: worker, limit: 1, lease: .seconds(60))
        #expect(urgent.map(\.isUrgent) == [true])
        try await test.finish(urgent, by: worker)
        _ = try await test.workOff(worker, limit: 40)
        try await age(test, seconds: 60)
        #expect(try await look(test) == 1)
        #expect(try await !isUrgent(batch, test))
    }

    @Test func `a batch without results is judged by an equal share of what all record`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 20, lines: 10, priority: 9)
        let waiting = try await test.openBatch(shards: 20, lines: 10)
        try await test.tamper(
            "update batches set expires_at = clock_timestamp() + interval '300 seconds' where id = '\(waiting.id)'")
        #expect(try await look(test) == 0)
        try await age(test, seconds: 10)
        #expect(try await look(test) == 0)
        #expect(try await !isUrgent(waiting, test), "nothing is known while nothing is recorded")
        _ = try await test.workOff(.random(), limit: 1)
        try await age(test, seconds: 10)
        #expect(try await look(test) == 1)
        #expect(try await isUrgent(waiting, test))
    }

    @Test func `looks that come too soon, and rows that say nothing new, write nothing`() async throws {
        let test = try await TestStore()
        _ = try await test.openBatch(shards: 3, lines: 1)
        _ = try await look(test)
        let version = "select xmin::text::int8 from batches"
        let before = try await test.number(version)
        _ = try await test.workOff(.random(), limit: 1)
        _ = try await look(test)
        #expect(try await test.number(version) == before)
        try await age(test, seconds: 10)
        _ = try await look(test)
        let second = try await test.number(version)
        #expect(second != before)
        try await test.tamper("update batches set forecast_rate = 0, forecast_at = forecast_at - interval '10 seconds'")
        let third = try await test.number(version)
        _ = try await look(test)
        #expect(try await test.number(version) == third)
    }

    @Test func `looks of several coordinators at once change each mark once`() async throws {
        let test = try await TestStore()
        for _ in 0..<5 { _ = try await test.openBatch(shards: 4, lines: 10) }
        _ = try await look(test)
        _ = try await test.workOff(.random(), limit: 5)
        try await age(test, seconds: 10)
        try await test.tamper("update batches set expires_at = clock_timestamp() + interval '5 seconds'")
        let changed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 { group.addTask { try await look(test) } }
            return try await group.reduce(0, +)
        }
        #expect(changed == 5)
    }
}
