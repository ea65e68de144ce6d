// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

extension Store {
    /// Records a file whose bytes are sealed in the vault; from now on it is visible.
    ///
    /// - Parameter storage: what its project may store, this file included.
    /// - Throws: a 400 ``BatchCore/BatchError`` when that would be too much.
    package func insertFile(_ file: NewFile, storage: StorageLimits = StorageLimits()) async throws -> StoredFile {
        guard storage != StorageLimits() else {
            return try await pool.run { session in try Self.insertFile(file, session) }
        }
        return try await pool.transaction { session in
            try session.query("select pg_advisory_xact_lock(hashtextextended(\(file.project.rawValue), 4))")
            try Self.checkStorage(file.project, bytes: file.bytes, storage, session)
            return try Self.insertFile(file, session)
        }
    }

    /// The same inside a transaction that publishes more than the file.
    ///
    /// - Parameter isFetched: whether the bytes come from elsewhere and were not uploaded.
    static func insertFile(_ file: NewFile, isFetched: Bool = false, _ session: Session) throws -> StoredFile {
        let lifetime = file.expiresAfterSeconds.map { Duration.seconds($0) }
        // A repeat of the same id after a lost answer finds the row that is there.
        let rows = try session.query(
            """
            insert into files (id, project_id, purpose, filename, bytes, sha256, vault_key, is_fetched,
                expires_at)
            values (\(file.id.rawValue), \(file.project.rawValue), \(file.purpose.rawValue), \(file.filename),
                    \(file.bytes), \(file.sha256), \(file.vaultKey), \(isFetched),
                    clock_timestamp() + \(lifetime))
            on conflict (id) do update set id = excluded.id
            returning \(unescaped: fileColumns)
            """)
        return try storedFile(rows.onlyRow("files"))
    }

    /// The columns that ``storedFile(_:)`` reads.
    static let fileColumns: StaticString = """
        id, project_id, purpose, filename, bytes, sha256, vault_key, created_at, expires_at
        """

    /// A file from its row.
    static func storedFile(_ row: Row) throws -> StoredFile {
        StoredFile(
            id: try row.identifier("id"), project: try row.identifier("project_id"),
            purpose: try row.choice("purpose"), filename: try row["filename", as: String.self],
            bytes: try row["bytes", as: Int64.self], sha256: try row["sha256", as: [UInt8].self],
            vaultKey: try row["vault_key", as: String.self], createdAt: try row.seconds("created_at"),
            expiresAt: try row.optionalSeconds("expires_at"))
    }
}
