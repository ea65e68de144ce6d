// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A deleted file whose bytes may go.
package struct PrunableFile: Hashable, Sendable {
    /// The file.
    package var id: FileID
    /// Where the vault keeps the bytes.
    package var vaultKey: String
}

extension Store {
    /// Files handled by one pass.
    private static let pruneLimit = 100

    /// Hides files whose lifetime is over; returns how many.
    package func expireFiles() async throws -> Int {
        try await pool.run { session in
            try session.execute(
                """
                update files set deleted_at = clock_timestamp() where id in (
                    select id from files
                    where deleted_at is null and expires_at is not null and expires_at <= clock_timestamp()
                    limit \(Self.pruneLimit) for update skip locked)
                """)
        }
    }

    /// Deleted files whose bytes nobody needs: no batch that still has to be split reads them, be it as its input or
    /// as the error file of the batch that it retries.
    package func prunableFiles() async throws -> [PrunableFile] {
        try await pool.run { session in
            try session.query(
                """
                select id, vault_key from files f
                where deleted_at is not null and pruned_at is null
                  and not exists (
                      select 1 from batches b where b.status = 'validating' and b.input_file_id = f.id)
                  and not exists (
                      select 1 from batches b join batches parent on parent.id = b.parent_batch_id
                      where b.status = 'validating' and b.parent_batch_id is not null
                        and parent.error_file_id = f.id)
                order by deleted_at limit \(Self.pruneLimit)
                """
            ).map { PrunableFile(id: try $0.identifier("id"), vaultKey: try $0["vault_key", as: String.self]) }
        }
    }

    /// Notes that a file's bytes are gone.
    package func markPruned(_ id: FileID) async throws {
        try await pool.run { session in
            try session.execute("update files set pruned_at = clock_timestamp() where id = \(id.rawValue)")
        }
    }

    /// Which of these vault keys a file row refers to; the others are orphans of a crash.
    package func referencedKeys(_ keys: [String]) async throws -> Set<String> {
        try await pool.run { session in
            Set(
                try session.query(
                    """
                    select vault_key from files where vault_key = any(\(keys)) and pruned_at is null
                    union all
                    select vault_key from held_files where vault_key = any(\(keys))
                    """
                ).map { try $0["vault_key", as: String.self] })
        }
    }
}
