// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres
internal import Zstd

/// A shard about to be stored.
package struct DraftShard: Sendable {
    /// 0-based place in the file.
    package var number: Int32
    /// How many lines the pack holds.
    package var lineCount: Int
    /// The frame of ``LinePack``, not compressed.
    package var pack: [UInt8]

    /// A shard about to be stored.
    package init(number: Int32, lineCount: Int, pack: [UInt8]) {
        self.number = number
        self.lineCount = lineCount
        self.pack = pack
    }
}

extension Store {
    /// Shards deleted by one statement; a statement stays short whatever the batch's size.
    private static let dropLimit = 500

    /// Removes what an earlier, interrupted split of the batch left; false when the duty is lost.
    package func dropDrafts(_ duty: DutyLease) async throws -> Bool {
        while true {
            let dropped = try await pool.transaction { session -> Int? in
                guard try Self.holds(duty, session) else { return nil }
                return try session.execute(
                    """
                    delete from shards where batch_id = \(duty.batch.rawValue) and shard_no in (
                        select shard_no from shards where batch_id = \(duty.batch.rawValue) limit \(Self.dropLimit)
                    )
                    """)
            }
            guard let dropped else { return false }
            if dropped < Self.dropLimit { return true }
        }
    }

    /// Stores shards that no worker sees yet, fenced by the duty; false when it is lost and nothing was stored.
    package func insertDrafts(_ duty: DutyLease, _ shards: [DraftShard]) async throws -> Bool {
        try await pool.transaction { session in
            guard try Self.holds(duty, session) else { return false }
            let compressor = try ZstdCompressor()
            try session.copyIn(
                "shards", columns: ["batch_id", "shard_no", "state", "line_count", "done", "lines"]
            ) { writer in
                for shard in shards {
                    let lines = try shard.pack.withUnsafeBytes { try compressor.compress($0) }
                    try writer.row {
                        $0.text(duty.batch.rawValue)
                        $0.int4(shard.number)
                        $0.text(ShardState.draft.rawValue)
                        $0.int4(Int32(shard.lineCount))
                        $0.bytea(LineSet(lineCount: shard.lineCount).bytes)
                        $0.bytea(lines)
                    }
                }
            }
            return true
        }
    }

    /// Opens every draft to the workers: the batch becomes `in_progress` in the same commit. False when the duty is
    /// lost, or the batch was cancelled meanwhile.
    ///
    /// - Parameter model: that of all lines; nil when a mixed batch has several.
    package func openShards(_ duty: DutyLease, total: Int64, model: String?) async throws -> Bool {
        try await pool.transaction { session in
            let moved = try session.execute(
                """
                update batches set status = 'in_progress', in_progress_at = clock_timestamp(), total = \(total),
                    model = \(model), owner = null, owner_until = null, duty_attempts = 0
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch) and status = 'validating'
                """)
            guard moved == 1 else { return false }
            try Self.dropFetchedInput(of: duty.batch, session)
            try session.execute(
                "update shards set state = 'ready' where batch_id = \(duty.batch.rawValue) and state = 'draft'")
            try session.query("select pg_notify(\(Signals.shards), \(duty.batch.rawValue))")
            return true
        }
    }

    /// Refuses the batch: it becomes `failed` with its problems and its event. False when the duty is lost.
    ///
    /// - Parameter problems: JSON text of the entries of `errors.data`.
    package func refuseBatch(_ duty: DutyLease, problems: String, event: EventID) async throws -> Bool {
        try await pool.transaction { session in
            let moved = try session.execute(
                """
                update batches set status = 'failed', failed_at = clock_timestamp(), problems = \(problems),
                    owner = null, owner_until = null
                where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch) and status = 'validating'
                """)
            guard moved == 1 else { return false }
            try Self.dropFetchedInput(of: duty.batch, session)
            try Self.insertEvent(event, batch: duty.batch, type: "batch.failed", session)
            try session.query("select pg_notify(\(Signals.batches), \(duty.batch.rawValue))")
            return true
        }
    }

    /// Removes the input that was fetched for an Ark job: it lies in the user's own store, and nobody here reads it
    /// again.
    static func dropFetchedInput(of batch: BatchID, _ session: Session) throws {
        try session.execute(
            """
            update files f set deleted_at = clock_timestamp() from batches b
            where b.id = \(batch.rawValue) and b.profile = 'ark' and f.id = b.input_file_id
              and f.project_id = b.project_id and f.is_fetched and f.deleted_at is null
            """)
    }

    /// Whether the duty is still this holder's; locks the batch row until commit, so that nobody takes it meanwhile.
    private static func holds(_ duty: DutyLease, _ session: Session) throws -> Bool {
        try !session.query(
            """
            select 1 from batches
            where id = \(duty.batch.rawValue) and owner_epoch = \(duty.epoch) and status = 'validating' for share
            """
        ).isEmpty
    }
}
