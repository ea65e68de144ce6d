// SPDX-License-Identifier: Apache-2.0

package import BatchCore

/// A way into an object store: where it is, and with which keys.
package struct StoreAccess: Sendable {
    /// What messages call it.
    package var name: String
    /// Addresses of this kind only.
    package var kind: ObjectStoreKind
    /// URL of the store; nil: the public one of the kind's vendor in the region.
    package var endpoint: String?
    /// Region of requests; nil: that of the address, or `us-east-1`.
    package var region: String?
    /// Whether the bucket is part of the path; without effect without an endpoint.
    package var usesPathStyle: Bool
    /// Who asks.
    package var credentials: S3Credentials

    /// A way in.
    package init(
        name: String, kind: ObjectStoreKind, endpoint: String?, region: String?, usesPathStyle: Bool,
        credentials: S3Credentials
    ) {
        self.name = name
        self.kind = kind
        self.endpoint = endpoint
        self.region = region
        self.usesPathStyle = usesPathStyle
        self.credentials = credentials
    }

    /// Whether it can lead to the object: kind and region fit.
    func fits(_ object: StoredObject) -> Bool {
        kind == object.store && (region == nil || object.region == nil || region == object.region)
    }

    /// Where the object's bucket answers.
    ///
    /// - Throws: ``S3EndpointProblem``.
    package func place(region wanted: String?) throws(S3EndpointProblem) -> S3Endpoint {
        let region = wanted ?? self.region ?? Self.standardRegion(kind)
        if let endpoint { return try S3Endpoint(url: endpoint, region: region, usesPathStyle: usesPathStyle) }
        return try S3Endpoint(kind, region: region)
    }

    private static func standardRegion(_ kind: ObjectStoreKind) -> String {
        switch kind {
        case .s3: "us-east-1"
        case .oss: "cn-hangzhou"
        case .tos: "cn-beijing"
        }
    }
}

/// A project's own way into a store.
package struct ProjectStore: Sendable {
    /// The way in.
    package var access: StoreAccess
    /// The one bucket it is for; nil: every bucket.
    package var bucket: String?

    /// A project's own way in.
    package init(access: StoreAccess, bucket: String?) {
        self.access = access
        self.bucket = bucket
    }
}

/// The server's way into a store, and which projects may use it for what. Its keys are the operator's: lent to a
/// project only for the places that the operator named, so that nobody reads with them what is not theirs.
package struct ServerStore: Sendable {
    /// A bucket, or the part of one under a prefix.
    package struct Area: Hashable, Sendable {
        /// The bucket; `*` for every one.
        package var bucket: String
        /// What keys begin with; empty, or ends in `/`.
        package var prefix: String

        /// Reads `*`, `bucket` or `bucket/prefix/`; nil for anything else.
        package init?(_ text: String) {
            let bucket = text.prefix { $0 != "/" }
            let prefix = text.dropFirst(bucket.count + 1)
            guard !bucket.isEmpty, prefix.isEmpty || prefix.hasSuffix("/"), bucket != "*" || prefix.isEmpty else {
                return nil
            }
            if bucket != "*" {
                guard (try? StoredObject(.s3, bucket: String(bucket), key: String(prefix))) != nil else { return nil }
            }
            self.bucket = String(bucket)
            self.prefix = String(prefix)
        }

        /// Whether the object lies in it. Keys that a store might read as another place are outside of every prefix.
        func contains(_ object: StoredObject) -> Bool {
            guard bucket == "*" || bucket == object.bucket else { return false }
            guard !prefix.isEmpty else { return true }
            let segments = object.key.split(separator: "/", omittingEmptySubsequences: false)
            return object.key.utf8.starts(with: prefix.utf8) && !segments.contains("..") && !segments.contains(".")
        }
    }

    /// The way in.
    package var access: StoreAccess
    /// Names of the projects that may use it; `*` stands for all. Empty: nobody.
    package var projects: [String]
    /// What they may reach. Empty: nothing.
    package var areas: [Area]

    /// The server's way in.
    package init(access: StoreAccess, projects: [String], areas: [Area]) {
        self.access = access
        self.projects = projects
        self.areas = areas
    }

    /// Whether a project may reach the object through it.
    func allows(_ object: StoredObject, project: String) -> Bool {
        access.fits(object) && (projects.contains("*") || projects.contains(project))
            && areas.contains { $0.contains(object) }
    }
}
