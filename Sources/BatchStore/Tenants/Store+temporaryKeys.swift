// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A key for a while, as it is to be kept. (contracts: Ark GetApiKey)
package struct TemporaryKey: Hashable, Sendable {
    /// The tenant that it opens.
    package var project: ProjectID
    /// The access key that it was asked for with, and ends with.
    package var accessKeyID: String
    /// SHA-256 of the key.
    package var sha256: [UInt8]
    /// The first characters of the key, for recognition.
    package var prefix: String
    /// Models and endpoints that it is for, as clients name them; at least one.
    package var resources: [String]
    /// How long it is good, in seconds.
    package var seconds: Int64

    /// A key for a while.
    package init(
        project: ProjectID, accessKeyID: String, sha256: [UInt8], prefix: String, resources: [String], seconds: Int64
    ) {
        self.project = project
        self.accessKeyID = accessKeyID
        self.sha256 = sha256
        self.prefix = prefix
        self.resources = resources
        self.seconds = seconds
    }
}

extension Store {
    /// Rows deleted by one statement, so that none runs long.
    private static let pruneKeysLimit = 1_000

    /// Records a temporary key and returns when it ends, in Unix seconds rounded down; nil, and nothing changes, when
    /// the project has `countMax` good ones. Several callers at once may get a few more.
    package func insertTemporaryKey(_ key: TemporaryKey, countMax: Int) async throws -> Int64? {
        try await pool.run { session in
            try session.query(
                """
                insert into api_keys (project_id, sha256, prefix, name, expires_at, access_key_id, resources)
                select \(key.project.rawValue), \(key.sha256), \(key.prefix), 'temporary',
                    date_trunc('second', clock_timestamp()) + \(key.seconds)::int8 * interval '1 second',
                    \(key.accessKeyID), \(key.resources)
                where \(Int64(countMax)) > (
                    select count(*) from api_keys
                    where project_id = \(key.project.rawValue) and expires_at > clock_timestamp())
                returning expires_at
                """
            ).first?.seconds("expires_at")
        }
    }

    /// Deletes a bounded number of temporary keys that have ended; returns how many.
    package func pruneTemporaryKeys() async throws -> Int {
        try await pool.run { session in
            try session.execute(
                """
                delete from api_keys where id = any (array(
                    select id from api_keys where expires_at <= clock_timestamp()
                    order by expires_at limit \(Self.pruneKeysLimit) for update skip locked))
                """)
        }
    }
}
