// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Gives lines of a held shard to a new part that is ready at once; true when it was done now or before, false when
    /// the lease is lost.
    ///
    /// The holder must not have started the lines, and must not start them before it knows that the split was not done:
    /// after an error whose outcome is unknown it asks again with the same sets. When nothing is left to the holder
    /// that has no result, its part is done and the lease ends.
    /// - Parameters:
    ///   - before: what was moved before, as the holder knows it.
    ///   - after: a larger set, without a line that is done; the new part owns what it has more.
    package func splitShard(
        worker: WorkerID, _ lease: Lease, moved before: LineSet, to after: LineSet
    ) async throws -> Bool {
        guard after.count > before.count, after.isSuperset(of: before) else {
            throw BatchError.invalid("Shard \(lease.shard) cannot be split: no line is given away.")
        }
        return try await pool.transaction { session in
            let rows = try session.query(
                """
                select s.batch_id, s.shard_no, s.part, s.line_count, s.done, s.moved, greatest(s.attempts - 1, 0)
                    as attempts
                from shards s
                where s.batch_id = \(lease.shard.batch.rawValue) and s.shard_no = \(lease.shard.number)
                  and s.part = \(lease.shard.part) and s.epoch = \(lease.epoch)
                  and (s.state = 'claimed' and s.worker_id = \(worker.rawValue) or s.state = 'done')
                for update
                """)
            guard let row = rows.first else { return false }
            let lineCount = Int(try row["line_count", as: Int32.self])
            let moved = try row.lineSet("moved", of: lease.shard, lineCount: lineCount)
            if moved == after { return true }
            let done = try row.lineSet("done", of: lease.shard, lineCount: lineCount)
            guard moved == before, done.isDisjoint(with: after), done.count + moved.count < lineCount else {
                return false
            }
            let parent = PartRow(
                key: lease.shard, lineCount: lineCount, doneCount: done.count,
                attempts: try row["attempts", as: Int32.self])
            try Self.keep(parent, moved: after, session)
            try Self.insertPart(parent, owning: after.subtracting(before), pause: .zero, session)
            try session.query("select pg_notify(\(Signals.shards), \(lease.shard.batch.rawValue))")
            return true
        }
    }

    /// What a new part takes over from the one that it is split from.
    struct PartRow {
        /// The part that is split; its row is locked.
        let key: ShardKey
        /// Lines of the shard.
        let lineCount: Int
        /// Lines of that part with a result.
        let doneCount: Int
        /// How often workers were lost over these lines in a row.
        let attempts: Int32
    }

    /// Leaves the holder with what was not moved; its part is done when that is nothing more.
    private static func keep(_ part: PartRow, moved: LineSet, _ session: Session) throws {
        let isDone = part.doneCount + moved.count == part.lineCount
        try session.execute(
            """
            update shards set moved = \(moved.bytes), moved_count = \(Int32(moved.count)),
                state = case when \(isDone) then 'done' else state end,
                worker_id = case when \(isDone) then null else worker_id end,
                lease_until = case when \(isDone) then null else lease_until end
            where batch_id = \(part.key.batch.rawValue) and shard_no = \(part.key.number) and part = \(part.key.part)
            """)
    }

    /// Makes a ready part of the same shard that owns exactly `lines`.
    ///
    /// Two parts of a shard may be split at once and want the same number: who comes second waits for the commit of
    /// the first and takes the next. This is the last lock that a transaction takes for a shard, and shards are split
    /// in one order, so nobody waits in a circle.
    /// - Parameter pause: how long nobody may claim it.
    static func insertPart(_ parent: PartRow, owning lines: LineSet, pause: Duration, _ session: Session) throws {
        let moved = lines.complement
        for _ in 0..<partNumberTries {
            let inserted = try session.execute(
                """
                insert into shards (batch_id, shard_no, part, state, line_count, done, moved, moved_count, attempts,
                    not_before)
                select \(parent.key.batch.rawValue), \(parent.key.number), max(part) + 1, 'ready',
                    \(Int32(parent.lineCount)), \(LineSet(lineCount: parent.lineCount).bytes),
                    \(moved.count == 0 ? nil : moved.bytes), \(Int32(moved.count)), \(parent.attempts),
                    case when \(pause > .zero) then clock_timestamp() + \(pause) end
                from shards where batch_id = \(parent.key.batch.rawValue) and shard_no = \(parent.key.number)
                on conflict do nothing
                """)
            if inserted == 1 { return }
        }
        throw RowMismatch(description: "shard \(parent.key) finds no number for a new part")
    }

    /// Rivals for the number of a new part; each try loses to another split of the same shard that was committed.
    private static let partNumberTries = 100
}
