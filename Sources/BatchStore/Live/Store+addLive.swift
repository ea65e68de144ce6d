// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import Postgres
internal import Zstd

extension Store {
    /// Takes held requests in, in one transaction: each gets a line that nobody waits for any more and that the same
    /// request made before, or else one that `plan` makes of it.
    ///
    /// A line is given to one request only, whoever asks at the same time. Lines whose waiter is a process that lives
    /// are left to it, so that the same request sent several times at once is run several times.
    /// - Parameters:
    ///   - waiter: the lock of this process, see ``liveListener(channels:waiter:logger:)``.
    ///   - asked: what the requests are known by.
    ///   - kept: how long a line is kept for a request that is sent again.
    ///   - plan: is told which of `asked` have got a line, and says what is inserted for the others.
    /// - Returns: the lines that were found, by index of `asked`.
    /// - Throws: ``LiveBatchSealed`` when a batch of the plan takes no more lines.
    package func addLive(
        waiter: Int64, _ asked: [LiveFingerprint], kept: Duration,
        plan: @escaping @Sendable ([Int: LiveLineKey]) throws -> LivePlan
    ) async throws -> [Int: LiveLineKey] {
        guard !asked.isEmpty else { return [:] }
        return try await pool.transaction { session in
            let found = try Self.attach(waiter, asked, kept, session)
            let plan = try plan(found)
            if !plan.opening.isEmpty { try Self.open(plan.opening, by: waiter, session) }
            if !plan.shards.isEmpty { try Self.insert(plan.shards, waiter, session) }
            return found
        }
    }

    /// Finds lines for requests that were sent before. Nothing is locked as long as there is no candidate. Who is busy
    /// with a candidate is waited for: passed over, it would be called twice.
    private static func attach(
        _ waiter: Int64, _ asked: [LiveFingerprint], _ kept: Duration, _ session: Session
    ) throws -> [Int: LiveLineKey] {
        let places = Dictionary(grouping: asked.indices) { asked[$0] }
        let distinct = Array(places.keys)
        let candidates = try session.query(
            """
            with recursive asked as materialized (
                select * from unnest(\(distinct.map(\.project.rawValue)), \(distinct.map(\.sha256)))
                    as a (project_id, sha256)
            ), waiters as (
                (select waiter from live_requests where waiter is not null order by waiter limit 1)
                union all
                select (
                    select l.waiter from live_requests l where l.waiter > w.waiter order by l.waiter limit 1)
                from waiters w where w.waiter is not null
            ), dead as materialized (
                select waiter from waiters
                where waiter is not null and waiter <> \(waiter) and waiter not in (select id from live_processes)
            )
            select l.batch_id, l.shard_no, l.ordinal
            from asked a join live_requests l on l.project_id = a.project_id and l.sha256 = a.sha256
            where l.waiter is null and l.orphaned_at > clock_timestamp() - \(kept)
            union all
            select l.batch_id, l.shard_no, l.ordinal
            from dead d join live_requests l on l.waiter = d.waiter
                join asked a on l.project_id = a.project_id and l.sha256 = a.sha256
            """
        ).map { try $0.liveLineKey() }
        guard !candidates.isEmpty else { return [:] }
        // Rows that somebody is busy with are waited for: when a process has died, others are just writing down that
        // its requests wait for nobody, and a request that passed over such a row would be run twice.
        let rows = try session.query(
            """
            with processes as materialized (select id from live_processes)
            select l.batch_id, l.shard_no, l.ordinal, l.project_id, l.sha256
            from (\(Self.named(candidates))) n
                join live_requests l using (batch_id, shard_no, ordinal)
            where l.waiter is null or (l.waiter <> \(waiter) and l.waiter not in (select id from processes))
            order by l.batch_id collate "C", l.shard_no, l.ordinal
            for update of l
            """)
        var free = places
        var found: [Int: LiveLineKey] = [:]
        for row in rows {
            let fingerprint = LiveFingerprint(
                project: try row.identifier("project_id"), sha256: try row["sha256", as: [UInt8].self])
            guard let place = free[fingerprint]?.popLast() else { continue }
            found[place] = try row.liveLineKey()
        }
        try session.execute(
            """
            update live_requests l set waiter = \(waiter), orphaned_at = null, drop_at = null
            from (\(Self.named(Array(found.values)))) n
            where l.batch_id = n.batch_id and l.shard_no = n.shard_no and l.ordinal = n.ordinal
            """)
        return found
    }

    /// Lines as rows.
    static func named(_ lines: [LiveLineKey]) -> Fragment {
        """
        select * from unnest(\(lines.map(\.shard.batch.rawValue)), \(lines.map(\.shard.number)),
            \(lines.map(\.ordinal))) as n (batch_id, shard_no, ordinal)
        """
    }

    /// Opens live batches: they are `in_progress` from the beginning.
    private static func open(_ batches: [NewLiveBatch], by waiter: Int64, _ session: Session) throws {
        try session.execute(
            """
            with now as materialized (select clock_timestamp() as t)
            insert into batches (id, project_id, status, input_file_id, endpoint, completion_window, model, lane,
                live_key, created_at, in_progress_at, expires_at)
            select n.id, n.project_id, 'in_progress', '', n.endpoint, 'live', n.model, 0, n.live_key, t, t,
                t + interval '1 second' * n.seconds
            from now, unnest(\(batches.map(\.id.rawValue)), \(batches.map(\.project.rawValue)),
                \(batches.map(\.endpoint)), \(batches.map(\.model)), \(batches.map(\.key)),
                \(batches.map { $0.lifetime.components.seconds })
            ) as n (id, project_id, endpoint, model, live_key, seconds)
            on conflict (id) do nothing
            """)
        try session.execute(
            """
            insert into live_batches (batch_id, coordinator)
            select id, \(waiter) from unnest(\(batches.map(\.id.rawValue))) as n (id)
            on conflict (batch_id) do nothing
            """)
    }

    private static func insert(_ shards: [NewLiveShard], _ waiter: Int64, _ session: Session) throws {
        let batches = Set(shards.map(\.key.batch))
        // Held until the commit: whoever seals a batch sees all of its shards afterwards.
        let open = try session.query(
            """
            select batch_id from live_batches
            where batch_id = any(\(batches.map(\.rawValue))) and coordinator = \(waiter) and sealed_at is null
            order by batch_id for share
            """
        ).map { row -> BatchID in try row.identifier("batch_id") }
        guard open.count == batches.count else { throw LiveBatchSealed(batches: batches.subtracting(open)) }
        let compressor = try ZstdCompressor()
        let packs = try shards.map { try $0.pack.withUnsafeBytes { try compressor.compress($0) } }
        try session.execute(
            """
            insert into shards (batch_id, shard_no, state, line_count, done, lines)
            select n.batch_id, n.shard_no, 'ready', n.line_count, n.done, n.lines
            from unnest(\(shards.map(\.key.batch.rawValue)), \(shards.map(\.key.number)),
                \(shards.map { Int32($0.fingerprints.count) }),
                \(shards.map { LineSet(lineCount: $0.fingerprints.count).bytes }), \(packs)
            ) as n (batch_id, shard_no, line_count, done, lines)
            """)
        let lines = shards.flatMap { shard in
            shard.fingerprints.indices.map { LiveLineKey(shard: shard.key, ordinal: Int32($0)) }
        }
        let fingerprints = shards.flatMap(\.fingerprints)
        try session.execute(
            """
            insert into live_requests (batch_id, shard_no, ordinal, project_id, sha256, waiter)
            select n.batch_id, n.shard_no, n.ordinal, n.project_id, n.sha256, \(waiter)
            from unnest(\(lines.map(\.shard.batch.rawValue)), \(lines.map(\.shard.number)), \(lines.map(\.ordinal)),
                \(fingerprints.map(\.project.rawValue)), \(fingerprints.map(\.sha256))
            ) as n (batch_id, shard_no, ordinal, project_id, sha256)
            """)
        try session.query("select pg_notify(\(Signals.shards), \(Signals.liveShards))")
    }
}

extension Row {
    /// The three columns that name a line.
    func liveLineKey() throws -> LiveLineKey {
        LiveLineKey(
            shard: LiveShardKey(batch: try identifier("batch_id"), number: try self["shard_no", as: Int32.self]),
            ordinal: try self["ordinal", as: Int32.self])
    }
}
