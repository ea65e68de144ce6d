// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import BatchStore
internal import Logging
internal import Postgres
internal import PostgresTesting

/// A store on a fresh, migrated database of the private PostgreSQL, with one project.
package struct TestStore: Sendable {
    /// The store.
    package let store: Store
    /// Its database, for statements that no store method makes.
    package let url: String
    /// A project.
    package let project: ProjectID

    /// Makes the database.
    package init() async throws {
        url = try PrivatePostgres.shared().createDatabase()
        store = Store(configuration: PoolConfiguration(url: url), logger: Logger(label: "test"))
        _ = try await store.migrate()
        project = try await store.ensureProject(name: "tests")
    }

    /// Makes the database as it was before a migration, runs a script there, and migrates it.
    package init(migratingFrom migration: String, after script: String) async throws {
        url = try PrivatePostgres.shared().createDatabase()
        store = Store(configuration: PoolConfiguration(url: url), logger: Logger(label: "test"))
        let whole = Store.migrationScript()
        guard let cut = whole.firstRange(of: "\n-- \(migration)\n") else { throw TestFault("no step \(migration)") }
        let pool = ConnectionPool(PoolConfiguration(url: url), logger: Logger(label: "past"))
        try await pool.run { session in try session.script(String(whole[..<cut.lowerBound]) + script) }
        await pool.close()
        guard try await store.migrate().first == migration else { throw TestFault("\(migration) was not applied") }
        project = try await store.ensureProject(name: "tests")
    }

    /// Another store on the same database, with connections of its own.
    package func again() -> Store {
        Store(configuration: PoolConfiguration(url: url), logger: Logger(label: "again"))
    }

    /// Claims and finishes every line of what it gets; returns it.
    package func workOff(_ worker: WorkerID, limit: Int) async throws -> [ClaimedShard] {
        let claims = try await store.claimShards(worker: worker, limit: limit, lease: .seconds(60))
        try await finish(claims, by: worker)
        return claims
    }

    /// Records a result of every unfinished line of shards that `worker` holds.
    package func finish(_ claims: [ClaimedShard], by worker: WorkerID) async throws {
        let checkpoints = try claims.map { claim in
            let rest = claim.done.complement.subtracting(claim.moved)
            return try Self.checkpoint(claim, sequence: 0, ordinals: rest.lines)
        }
        let written = try await store.record(worker: worker, checkpoints, lease: .seconds(60))
        guard written.count == claims.count else { throw TestFault("a lease was lost") }
    }

    /// Runs a statement that changes what only time or an accident would change.
    package func tamper(_ sql: String) async throws {
        let pool = ConnectionPool(PoolConfiguration(url: url), logger: Logger(label: "tamper"))
        try await pool.run { session in try session.script(sql) }
        await pool.close()
    }

    /// One number from the database.
    package func number(_ sql: String) async throws -> Int64 {
        let pool = ConnectionPool(PoolConfiguration(url: url), logger: Logger(label: "number"))
        let value = try await pool.run { session -> Int64 in
            try session.script("create temporary table answer as select (\(sql))::int8 as value")
            return try session.query("select value from answer").first?["value", as: Int64.self] ?? -1
        }
        await pool.close()
        return value
    }

    /// A recorded batch that waits for validation.
    package func makeBatch(
        inputFileID: String = "file-none", hours: Int = 24, of owner: ProjectID? = nil, lane: Lane = .normal,
        priority: Int16 = 0
    ) async throws -> Batch {
        guard let window = CompletionWindow("\(hours)h", range: 1...Int64.max) else { throw TestFault("window") }
        let new = NewBatch(
            project: owner ?? project, inputFileID: inputFileID, endpoint: "/v1/chat/completions", window: window,
            priority: priority, lane: lane, requestSHA256: [UInt8](repeating: 0, count: 32))
        return try await store.insertBatch(new).batch
    }

    /// A batch in progress with `shards` shards of `lines` lines each; of the project of the tests unless told
    /// otherwise.
    package func openBatch(
        shards: Int, lines: Int, of owner: ProjectID? = nil, lane: Lane = .normal, priority: Int16 = 0,
        model: String = "m"
    ) async throws -> Batch {
        let batch = try await makeBatch(of: owner, lane: lane, priority: priority)
        let duty = try await takeValidation(of: batch.id)
        let drafts = (0..<shards).map { number in
            DraftShard(number: Int32(number), lineCount: lines, pack: Self.pack(shard: number, lines: lines))
        }
        guard try await store.insertDrafts(duty, drafts),
            try await store.openShards(duty, total: Int64(shards * lines), model: model)
        else { throw TestFault("the duty was lost") }
        return batch
    }

    /// The validation duty of that batch; others that wait stay leased.
    package func takeValidation(of batch: BatchID) async throws -> DutyLease {
        while let duty = try await store.claimValidation(owner: .random(), lease: .seconds(60)) {
            if duty.lease.batch == batch { return duty.lease }
        }
        throw TestFault("nobody offers \(batch) for validation")
    }

    /// A pack whose lines are called `"SHARD-LINE"`.
    package static func pack(shard: Int, lines: Int) -> [UInt8] {
        var builder = LinePackBuilder(linesMax: lines, bytesMax: .max)
        for line in 0..<lines {
            let id = Array("\"\(shard)-\(line)\"".utf8)
            let body = Array(#"{"model":"m","messages":[],"n":\#(line)}"#.utf8)
            id.withUnsafeBytes { id in
                body.withUnsafeBytes { body in
                    builder.append(number: shard * lines + line + 1, endpoint: nil, customID: id, body: body)
                }
            }
        }
        return builder.finish()
    }

    /// A checkpoint with outcomes for `ordinals`; `done` already holds the earlier ones.
    package static func checkpoint(
        _ shard: ClaimedShard, sequence: Int32, ordinals: [Int], after done: LineSet? = nil, succeeds: Bool = true
    ) throws -> Checkpoint {
        var set = done ?? shard.done
        var builder = SegmentPackBuilder()
        let lines = try LinePack(shard.pack).lines
        for ordinal in ordinals {
            set.insert(ordinal)
            builder.append(
                Outcome(
                    ordinal: ordinal, kind: succeeds ? .success : .httpError, statusCode: succeeds ? 200 : 400,
                    customID: lines[ordinal].customID, attempts: 1, usage: Usage(totalTokens: 1),
                    body: Array(#"{"line":\#(lines[ordinal].number)}"#.utf8)[...]))
        }
        return Checkpoint(
            lease: shard.lease, sequence: sequence, done: set,
            isLast: set.count + shard.moved.count == shard.lineCount, lineCount: ordinals.count,
            completed: succeeds ? Int64(ordinals.count) : 0, failed: succeeds ? 0 : Int64(ordinals.count),
            usage: Usage(totalTokens: Int64(ordinals.count)), segment: builder.finish())
    }
}

/// A test could not be set up.
package struct TestFault: Error, CustomStringConvertible {
    /// What was missing.
    package let description: String

    /// A fault.
    package init(_ description: String) { self.description = description }
}
