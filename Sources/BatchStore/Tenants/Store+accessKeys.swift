// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// A pair of access key and secret that signs requests, as it is kept. (contracts: Ark signature)
package struct AccessKey: Hashable, Sendable {
    /// The access key's id, which requests name: `AKLT…`.
    package let id: String
    /// The tenant for whom it signs.
    package let project: ProjectID
    /// The secret access key, sealed for ``context(project:id:)``.
    package let secret: [UInt8]

    /// A pair from its columns.
    package init(id: String, project: ProjectID, secret: [UInt8]) {
        self.id = id
        self.project = project
        self.secret = secret
    }

    /// What a secret is sealed for: that of one row is worthless in another.
    package static func context(project: ProjectID, id: String) -> String {
        "access_keys/\(project.rawValue)/\(id)"
    }
}

/// An access key as operators see it: never the secret.
package struct AccessKeyRecord: Hashable, Sendable {
    /// The access key's id.
    package let id: String
    /// Name of the project for which it signs.
    package let projectName: String
    /// What the operator called it.
    package let name: String
    /// Unix seconds.
    package let createdAt: Int64
    /// Unix seconds; nil while the key is good.
    package let revokedAt: Int64?
    /// Unix seconds, to the minute; nil: never.
    package let lastUsedAt: Int64?
}

extension Store {
    /// Records an access key; false, and nothing changes, when its id is taken.
    package func insertAccessKey(_ key: AccessKey, name: String) async throws -> Bool {
        try await pool.run { session in
            try session.execute(
                """
                insert into access_keys (id, project_id, name, secret)
                values (\(key.id), \(key.project.rawValue), \(name), \(key.secret))
                on conflict (id) do nothing
                """) == 1
        }
    }

    /// The access key of that id; nil when there is none or it was revoked.
    package func findAccessKey(id: String) async throws -> AccessKey? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                "select id, project_id, secret from access_keys where id = \(id) and revoked_at is null"
            ).first.map { row in
                AccessKey(
                    id: try row["id", as: String.self], project: try row.identifier("project_id"),
                    secret: try row["secret", as: [UInt8].self])
            }
        }
    }

    /// Notes that an access key was used; writes at most once a minute per key.
    package func noteAccessKeyUse(id: String) async throws {
        _ = try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                """
                update access_keys set last_used_at = clock_timestamp()
                where id = \(id)
                  and (last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')
                """)
        }
    }

    /// Every access key, oldest first.
    package func listAccessKeys() async throws -> [AccessKeyRecord] {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select k.id, p.name as project_name, k.name, k.created_at, k.revoked_at, k.last_used_at
                from access_keys k join projects p on p.id = k.project_id order by k.seq
                """
            ).map { row in
                AccessKeyRecord(
                    id: try row["id", as: String.self], projectName: try row["project_name", as: String.self],
                    name: try row["name", as: String.self], createdAt: try row.seconds("created_at"),
                    revokedAt: try row.optionalSeconds("revoked_at"),
                    lastUsedAt: try row.optionalSeconds("last_used_at"))
            }
        }
    }

    /// Revokes an access key; false when there is none of that id or it was revoked before.
    package func revokeAccessKey(id: String) async throws -> Bool {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                "update access_keys set revoked_at = clock_timestamp() where id = \(id) and revoked_at is null") == 1
        }
    }
}
