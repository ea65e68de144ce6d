// SPDX-License-Identifier: Apache-2.0

package import BatchCore
internal import Postgres

/// How a project enters an object store of its own; secrets as they are kept, sealed.
package struct ObjectCredential: Hashable, Sendable {
    /// What the project's operator calls it; unique in the project.
    package var name: String
    /// Whose kind of store.
    package var kind: ObjectStoreKind
    /// The one bucket it is for; nil: every bucket.
    package var bucket: String?
    /// URL of the store; nil: the public one of the kind's vendor in the region.
    package var endpoint: String?
    /// Region of requests; nil: that of the address.
    package var region: String?
    /// Whether the bucket is part of the path.
    package var usesPathStyle: Bool
    /// Access key id.
    package var accessKey: String
    /// Secret access key, sealed for ``context(project:name:)``.
    package var secret: [UInt8]
    /// Token of temporary credentials, sealed likewise; nil: they are lasting.
    package var sessionToken: [UInt8]?

    /// A credential from its columns.
    package init(
        name: String, kind: ObjectStoreKind, bucket: String? = nil, endpoint: String? = nil, region: String? = nil,
        usesPathStyle: Bool, accessKey: String, secret: [UInt8], sessionToken: [UInt8]? = nil
    ) {
        self.name = name
        self.kind = kind
        self.bucket = bucket
        self.endpoint = endpoint
        self.region = region
        self.usesPathStyle = usesPathStyle
        self.accessKey = accessKey
        self.secret = secret
        self.sessionToken = sessionToken
    }

    /// Whether it may lead to the object: bucket, kind and region fit.
    package func fits(_ object: StoredObject) -> Bool {
        (bucket == nil || bucket == object.bucket) && kind == object.store
            && (region == nil || object.region == nil || region == object.region)
    }

    /// What its secrets are sealed for: those of one row are worthless in another.
    package static func context(project: ProjectID, name: String) -> String {
        "object_credentials/\(project.rawValue)/\(name)"
    }
}

extension Store {
    /// Records a credential, in place of one of the same name.
    package func putObjectCredential(_ credential: ObjectCredential, project: ProjectID) async throws {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                """
                insert into object_credentials (project_id, name, kind, bucket, endpoint, region, path_style,
                    access_key, secret, session_token)
                values (\(project.rawValue), \(credential.name), \(credential.kind.rawValue), \(credential.bucket),
                    \(credential.endpoint), \(credential.region), \(credential.usesPathStyle),
                    \(credential.accessKey), \(credential.secret), \(credential.sessionToken))
                on conflict (project_id, name) do update set kind = excluded.kind, bucket = excluded.bucket,
                    endpoint = excluded.endpoint, region = excluded.region, path_style = excluded.path_style,
                    access_key = excluded.access_key, secret = excluded.secret,
                    session_token = excluded.session_token, created_at = clock_timestamp()
                """)
        }
    }

    /// The credentials of a project, those for one bucket first, then in the order they were made.
    package func objectCredentials(project: ProjectID) async throws -> [ObjectCredential] {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query(
                """
                select name, kind, bucket, endpoint, region, path_style, access_key, secret, session_token
                from object_credentials where project_id = \(project.rawValue)
                order by (bucket is null), seq
                """
            ).map(Self.objectCredential)
        }
    }

    /// Forgets a credential; false when there is none of that name.
    package func removeObjectCredential(name: String, project: ProjectID) async throws -> Bool {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.execute(
                "delete from object_credentials where project_id = \(project.rawValue) and name = \(name)") == 1
        }
    }

    /// The project of that name; nil when there is none.
    package func findProject(name: String) async throws -> ProjectID? {
        try await pool.run(retryingConnectionLoss: true) { session in
            try session.query("select id from projects where name = \(name)").first?.identifier("id")
        }
    }

    private static func objectCredential(_ row: Row) throws -> ObjectCredential {
        ObjectCredential(
            name: try row["name", as: String.self], kind: try row.choice("kind"),
            bucket: try row["bucket", as: String?.self], endpoint: try row["endpoint", as: String?.self],
            region: try row["region", as: String?.self], usesPathStyle: try row["path_style", as: Bool.self],
            accessKey: try row["access_key", as: String.self], secret: try row["secret", as: [UInt8].self],
            sessionToken: try row["session_token", as: [UInt8]?.self])
    }
}
