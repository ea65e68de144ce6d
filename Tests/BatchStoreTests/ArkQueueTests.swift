// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchTesting
import Logging
import Postgres
import Testing

@testable import BatchStore

/// Who of Ark's jobs gets a place.
@Suite struct ArkQueueTests {
    @Test func `coordinators that admit at once never give one place too many, and the oldest go first`() async throws {
        let test = try await TestStore()
        let other = try await test.store.ensureProject(name: "other")
        var jobs: [String: [BatchID]] = [:]
        for number in 0..<75 {
            let (queue, project) = [("a", test.project), ("b", test.project), ("a", other)][number % 3]
            jobs["\(project)/\(queue)", default: []].append(try await test.arkBatch(queue: queue, of: project))
        }
        let stores = (0..<6).map { _ in test.again() }
        let admitted = try await withThrowingTaskGroup(of: [BatchID].self) { group in
            for store in stores { group.addTask { try await store.admitJobs(runningMax: 20) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(admitted.count == 60 && Set(admitted).count == 60)
        #expect(Set(admitted) == Set(jobs.values.flatMap { $0.prefix(20) }))
        // A place is free when its job has ended, however it did, and not before.
        let queue = try #require(jobs["\(test.project)/a"])
        try await test.tamper("update batches set status = 'finalizing' where id = '\(queue[3])'")
        #expect(try await test.store.admitJobs(runningMax: 20) == [])
        try await test.tamper(
            "update batches set status = 'cancelled', cancelled_at = now() where id in ('\(queue[3])', '\(queue[22])')")
        let next = try await withThrowingTaskGroup(of: [BatchID].self) { group in
            for store in stores { group.addTask { try await store.admitJobs(runningMax: 20) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(next == [queue[20]])
        #expect(try await Set(test.store.admitJobs(runningMax: 0)).count == 75 - 60 - 2)
        for store in stores { await store.close() }
        await test.store.close()
    }

    @Test func `a job without a place is neither fetched nor validated, and others pass it`() async throws {
        let test = try await TestStore()
        let waiting = try await test.arkBatch(input: "tos://bucket/a")
        let plain = try await test.arkBatch()
        let batch = try await test.makeBatch()
        func claimed() async throws -> [BatchID] {
            var ids: [BatchID] = []
            while let duty = try await test.store.claimFetch(owner: .random(), lease: .seconds(60), perProjectMax: 9) {
                ids.append(duty.lease.batch)
            }
            while let duty = try await test.store.claimValidation(owner: .random(), lease: .seconds(60)) {
                ids.append(duty.lease.batch)
                #expect(duty.model == (duty.profile == .ark ? "m" : nil))
            }
            return ids
        }
        #expect(try await claimed() == [batch.id])
        #expect(try await test.store.admitJobs(runningMax: 1) == [waiting])
        #expect(try await claimed() == [waiting])
        #expect(try await test.store.admitJobs(runningMax: 2) == [plain])
        #expect(try await claimed() == [plain])
        await test.store.close()
    }

    /// Rows of `batches` that a statement reads, in a transaction that leaves nothing.
    private func rowsRead(_ test: TestStore, _ query: Query) async throws -> Int64 {
        let pool = ConnectionPool(PoolConfiguration(url: test.url), logger: Logger(label: "reader"))
        let rows = try await pool.run { session -> Int64 in
            try session.script("begin")
            _ = try session.query(query)
            let read = try session.query(
                """
                select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int8 as rows
                from pg_stat_xact_user_tables where relname = 'batches'
                """
            ).first?["rows", as: Int64.self]
            try session.script("rollback")
            return read ?? -1
        }
        await pool.close()
        return rows
    }

    @Test func `thousands of jobs that wait cost an admission and a claim nothing`() async throws {
        let test = try await TestStore()
        _ = try await test.arkBatch(input: "tos://bucket/a")
        try await test.tamper(
            """
            insert into batches (id, project_id, input_file_id, endpoint, completion_window, profile, queue, model,
                input_url, expires_at)
            select 'bi-' || n, project_id, input_file_id, endpoint, completion_window, profile, 'q' || n % 7, model,
                input_url, expires_at
            from batches, generate_series(1, 9000) n;
            """)
        #expect(try await test.store.admitJobs(runningMax: 20).count == 7 * 20 + 1)
        for statistics in ["", "analyze"] {
            try await test.tamper(statistics)
            // Of each queue that waits its name, and its places, which all are taken.
            let read = try await rowsRead(test, Store.admission(20))
            #expect((1..<400).contains(read), "\(read) rows \(statistics)")
            let claim = try await rowsRead(test, Store.fetchClaim(.random(), .seconds(60), perProjectMax: 999))
            #expect((1..<400).contains(claim), "\(claim) rows \(statistics)")
        }
        await test.store.close()
    }
}

extension TestStore {
    /// A waiting job of Ark's, without what only its control plane shows.
    func arkBatch(
        queue: String? = nil, of owner: ProjectID? = nil, input: String? = nil, output: Bool = false
    ) async throws -> BatchID {
        guard let window = CompletionWindow("1d", range: 1...Int64.max) else { throw TestFault("window") }
        var new = NewBatch(
            project: owner ?? project, inputFileID: "file-none", endpoint: "/v1/chat/completions", window: window,
            requestSHA256: [UInt8](repeating: 0, count: 32))
        var generator = SystemRandomNumberGenerator()
        let id = BatchID.ark(madeAt: Int64.random(in: 0...4_000_000_000), using: &generator)
        (new.profile, new.id, new.model, new.queue, new.inputURL) = (.ark, id, "m", queue, input)
        if output {
            new.outputURL = "tos://bucket/o/\(id)/output/results.jsonl"
            new.errorsURL = "tos://bucket/o/\(id)/error/errors.jsonl"
        }
        return try await store.insertBatch(new).batch.id
    }
}
