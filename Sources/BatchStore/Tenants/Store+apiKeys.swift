// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// Whom a presented key belongs to.
package struct APIKeyOwner: Hashable, Sendable {
    /// The key's row.
    package let keyID: Int64
    /// The tenant that the key opens.
    package let project: ProjectID
    /// What a temporary key is for, as clients name models and endpoints; nil: the key is a lasting one.
    package let resources: [String]?

    /// Whether the key opens Ark's runtime only.
    package var isTemporary: Bool { resources != nil }

    /// Whose key it is.
    package init(keyID: Int64, project: ProjectID, resources: [String]? = nil) {
        self.keyID = keyID
        self.project = project
        self.resources = resources
    }

    /// Whether requests that name `model` may come with it.
    package func mayUse(model: String) -> Bool { resources?.contains(model) ?? true }
}

/// A key as operators see it: never the key itself.
package struct APIKeyRecord: Hashable, Sendable {
    /// The key's row.
    package let keyID: Int64
    /// Name of the project that the key opens.
    package let projectName: String
    /// The first characters of the key, for recognition.
    package let prefix: String
    /// What the operator called it.
    package let name: String
    /// Unix seconds.
    package let createdAt: Int64
    /// Unix seconds; nil while the key is good.
    package let revokedAt: Int64?
}

extension Store {
    /// Records a key by its SHA-256; recording the same key again changes nothing.
    package func insertAPIKey(project: ProjectID, sha256: [UInt8], prefix: String, name: String) async throws {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                """
                insert into api_keys (project_id, sha256, prefix, name)
                values (\(project.rawValue), \(sha256), \(prefix), \(name))
                on conflict (sha256) do nothing
                """)
        }
    }

    /// Whom the key with this SHA-256 belongs to; nil when there is none, it was revoked or is over, or the access key
    /// that it was got with was revoked.
    package func findAPIKey(sha256: [UInt8]) async throws -> APIKeyOwner? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select k.id, k.project_id, k.resources
                from api_keys k left join access_keys a on a.id = k.access_key_id
                where k.sha256 = \(sha256) and k.revoked_at is null and a.revoked_at is null
                  and (k.expires_at is null or k.expires_at > clock_timestamp())
                """
            ).first.map {
                APIKeyOwner(
                    keyID: try $0["id", as: Int64.self], project: try $0.identifier("project_id"),
                    resources: try $0["resources", as: [String]?.self])
            }
        }
    }

    /// Every lasting key, oldest first.
    package func listAPIKeys() async throws -> [APIKeyRecord] {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select k.id, p.name as project_name, k.prefix, k.name, k.created_at, k.revoked_at
                from api_keys k join projects p on p.id = k.project_id
                where k.expires_at is null order by k.id
                """
            ).map { row in
                APIKeyRecord(
                    keyID: try row["id", as: Int64.self], projectName: try row["project_name", as: String.self],
                    prefix: try row["prefix", as: String.self], name: try row["name", as: String.self],
                    createdAt: try row.seconds("created_at"), revokedAt: try row.optionalSeconds("revoked_at"))
            }
        }
    }

    /// Revokes a key; false when there is none with that id or it was revoked before.
    package func revokeAPIKey(keyID: Int64) async throws -> Bool {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                "update api_keys set revoked_at = clock_timestamp() where id = \(keyID) and revoked_at is null") == 1
        }
    }
}
