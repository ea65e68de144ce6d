// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

@Suite struct `A filtered list of batches` {
    private func make(
        _ test: TestStore, name: String? = nil, file: String = "file-none"
    ) async throws -> BatchID {
        var new = NewBatch(
            project: test.project, inputFileID: file, endpoint: "/v1/chat/completions",
            window: try #require(CompletionWindow("24h", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: 0, count: 32))
        new.name = name
        return try await test.store.insertBatch(new).batch.id
    }

    private func list(
        _ test: TestStore, after: BatchID? = nil, limit: Int = 100, _ change: (inout BatchFilter) -> Void
    ) async throws -> [BatchID] {
        var filter = BatchFilter()
        change(&filter)
        return try await test.store.listBatches(project: test.project, after: after, limit: limit, filter: filter)
            .elements.map(\.id)
    }

    @Test func `takes every character of a part of a name as it stands`() async throws {
        let test = try await TestStore()
        let percent = try await make(test, name: "Batch任务_100%")
        let plain = try await make(test, name: "Batch任务_20240319")
        _ = try await make(test)
        #expect(try await list(test) { $0.namePart = "任务" } == [plain, percent])
        #expect(try await list(test) { $0.namePart = "0%" } == [percent])
        #expect(try await list(test) { $0.namePart = "_1" } == [percent])
        #expect(try await list(test) { $0.namePart = "务%2" }.isEmpty)
        #expect(try await list(test) { $0.namePart = "h_任" }.isEmpty)
        #expect(try await list(test) { $0.namePart = "batch" }.isEmpty)
        #expect(try await list(test) { $0.namePart = "'; drop table batches; --" }.isEmpty)
    }

    @Test func `meets every condition at once`() async throws {
        let test = try await TestStore()
        let first = try await make(test, name: "a", file: "file-1")
        let second = try await make(test, name: "b", file: "file-2")
        let third = try await make(test, name: "a", file: "oss:cn-beijing:bucket/key")
        try await test.tamper(
            "update batches set status = 'failed', failed_at = now(), problems = '[]' where id = '\(third)'")
        #expect(try await list(test) { $0.inputFileIDs = ["file-1", "file-2", "file-9"] } == [second, first])
        #expect(try await list(test) { $0.inputFileIDs = ["oss:cn-beijing:bucket/key"] } == [third])
        #expect(try await list(test) { $0.statuses = [.failed, .completed] } == [third])
        #expect(try await list(test) { $0.statuses = [.validating] } == [second, first])
        #expect(
            try await list(test) {
                $0.namePart = "a"
                $0.statuses = [.validating]
                $0.inputFileIDs = ["file-1", "file-2"]
            } == [first])
    }

    @Test func `knows seconds, and how long ago is too long`() async throws {
        let test = try await TestStore()
        var ids: [BatchID] = []
        for _ in 0..<4 { ids.append(try await make(test)) }
        // 1,700,000,000 is in the past; the last two are of today.
        for (index, second) in [1_700_000_000, 1_700_000_100].enumerated() {
            try await test.tamper(
                "update batches set created_at = to_timestamp(\(second) + 0.9) where id = '\(ids[index])'")
        }
        #expect(try await list(test) { $0.createdFrom = 1_700_000_100 } == ids[1...].reversed())
        #expect(try await list(test) { $0.createdFrom = 1_700_000_101 } == ids[2...].reversed())
        #expect(try await list(test) { $0.createdTo = 1_700_000_100 } == ids[..<2].reversed())
        #expect(try await list(test) { $0.createdTo = 1_700_000_099 } == [ids[0]])
        #expect(
            try await list(test) {
                $0.createdFrom = 1_700_000_000
                $0.createdTo = 1_700_000_000
            } == [ids[0]])
        #expect(try await list(test) { $0.ageMax = .seconds(30 * 86_400) } == ids[2...].reversed())
    }

    @Test func `pages without loss or repetition`() async throws {
        let test = try await TestStore()
        var wanted: [BatchID] = []
        for index in 0..<9 {
            let id = try await make(test, name: index % 2 == 0 ? "even" : "odd")
            if index % 2 == 0 { wanted.append(id) }
        }
        var seen: [BatchID] = []
        while true {
            let page = try await list(test, after: seen.last, limit: 2) { $0.namePart = "even" }
            if page.isEmpty { break }
            seen += page
        }
        #expect(seen == wanted.reversed())
    }

    @Test func `reads no batches that are older than asked for`() async throws {
        let test = try await TestStore()
        let old = try await make(test, name: "old")
        try await test.tamper(
            """
            insert into batches (id, project_id, status, input_file_id, endpoint, completion_window, expires_at,
                created_at, failed_at, problems, name)
            select 'batch_old' || n, project_id, 'failed', input_file_id, endpoint, completion_window, expires_at,
                now() - interval '90 days' + n * interval '1 second', now(), '[]', 'old'
            from batches, generate_series(1, 20000) n where id = '\(old)';
            update batches set created_at = now() - interval '90 days' where id = '\(old)';
            """)
        let new = try await make(test, name: "new")
        let rows = """
            select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'batches'
            """
        // The last shows that what is measured is what is meant: without a limit of age all are read.
        for (analyzes, days) in [(false, 30), (true, 30), (true, 365)] {
            if analyzes { try await test.tamper("analyze batches") }
            await test.store.close()
            let before = try await eventually("statistics at rest") { () -> Int64? in
                let first = try await test.number(rows)
                return try await test.number(rows) == first ? first : nil
            }
            // What a session has read is known for certain when it has ended.
            let store = test.again()
            for part in ["new", "no such name"] {
                var filter = BatchFilter()
                filter.namePart = part
                filter.ageMax = .seconds(days * 86_400)
                let page = try await store.listBatches(project: test.project, after: nil, limit: 20, filter: filter)
                #expect(page.elements.map(\.id) == (part == "new" ? [new] : []))
            }
            await store.close()
            let read = try await eventually("statistics of the list") { () -> Int64? in
                let now = try await test.number(rows)
                return now > before ? now - before : nil
            }
            #expect(days == 30 ? read < 100 : read > 20_000, "\(read) rows, analyzed: \(analyzes)")
        }
    }

    @Test func `finds names that were given before it could`() async throws {
        let test = try await TestStore(
            migratingFrom: "0010_profiles",
            after: """
                insert into projects (id, name) values ('proj_old', 'old');
                insert into batches (id, project_id, input_file_id, endpoint, completion_window, metadata, expires_at)
                values ('batch_a', 'proj_old', 'f', '/v1/embeddings', '24h', '{"ds_name":"früher \\"1\\""}', now()),
                    ('batch_b', 'proj_old', 'f', '/v1/embeddings', '24h', '{"other":"1"}', now()),
                    ('batch_c', 'proj_old', 'f', '/v1/embeddings', '24h', null, now());
                """)
        let page = try await test.store.listBatches(
            project: ProjectID(rawValue: "proj_old"), after: nil, limit: 10,
            filter: {
                var filter = BatchFilter()
                filter.namePart = "her \"1"
                return filter
            }())
        #expect(page.elements.map(\.id.rawValue) == ["batch_a"])
        #expect(page.elements.first?.profile == .openAI)
    }
}
