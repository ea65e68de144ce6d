// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

/// What a claim costs is told in rows read, which do not depend on the machine.
@Suite struct ClaimCostTests {
    /// Rows of `shards` and `batches` that choosing eight shards reads, from tables and through indexes.
    private static let rowsRead = """
        case when (select count(*) from claim_quotas(8, '{}', 2)) >= 0 then (
            select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables
            where relname in ('shards', 'batches')) end
        """

    /// Copies shards of `batch` until it has `count` more, in the state of the first.
    private func grow(_ test: TestStore, _ batch: Batch, by count: Int) async throws {
        try await test.tamper(
            """
            insert into shards (batch_id, shard_no, state, line_count, done, lines)
            select batch_id, 1000 + n, state, line_count, done, lines
            from shards, generate_series(1, \(count)) n where batch_id = '\(batch.id)' and shard_no = 0
            """)
    }

    @Test func `a claim reads as many rows from 30,000 waiting shards as from 100`() async throws {
        let test = try await TestStore()
        let batch = try await test.openBatch(shards: 100, lines: 1)
        let few = try await test.number(Self.rowsRead)
        #expect(few > 0 && few < 50)
        try await grow(test, batch, by: 30_000)
        #expect(try await test.number(Self.rowsRead) == few, "with the statistics of an almost empty table")
        try await test.tamper("analyze")
        #expect(try await test.number(Self.rowsRead) == few)
    }

    @Test func `batches that have ended, paused or wait for nothing cost a claim nothing`() async throws {
        let test = try await TestStore()
        let open = try await test.openBatch(shards: 10, lines: 1)
        let ended = try await test.openBatch(shards: 1, lines: 1)
        let paused = try await test.openBatch(shards: 5, lines: 1)
        try await grow(test, ended, by: 2_000)
        try await grow(test, paused, by: 2_000)
        try await test.tamper(
            """
            update shards set state = 'done', done = '\\x01', done_count = 1, completed = 1
                where batch_id = '\(ended.id)';
            update batches set status = 'completed', completed_at = now(), completed = total where id = '\(ended.id)';
            insert into batches (id, project_id, status, input_file_id, endpoint, completion_window, total, completed,
                expires_at, completed_at)
            select 'batch_old' || n, project_id, status, input_file_id, endpoint, completion_window, total, completed,
                expires_at, completed_at from batches, generate_series(1, 3000) n where id = '\(ended.id)';
            update batches set paused_at = now() where id = '\(paused.id)';
            """)
        let rows = try await test.number(Self.rowsRead)
        #expect(rows < 50)
        let claims = try await test.store.claimShards(worker: .random(), limit: 64, lease: .seconds(60))
        #expect(claims.count == 10 && claims.allSatisfy { $0.lease.shard.batch == open.id })
    }
}
