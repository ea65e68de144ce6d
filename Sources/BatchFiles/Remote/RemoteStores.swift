// SPDX-License-Identifier: Apache-2.0

package import BatchCore
package import Curl

/// How long files elsewhere may take.
package struct RemoteLimits: Sendable {
    /// Tries of one request before the whole transfer counts as failed, ≥ 1.
    package var requestTriesMax = 3
    /// From a request to the first byte of its answer.
    package var firstByte = Duration.seconds(60)
    /// Longest stretch without a byte.
    package var stall = Duration.seconds(60)
    /// For the whole of one file, in one attempt.
    package var transfer = Duration.seconds(3_600)

    /// The defaults.
    package init() {}
}

/// Opens what users name: objects of stores with the project's own keys or the server's, and URLs as they are.
package final class RemoteStores: Sendable {
    /// The part of a bucket where the vault is: never reached with the server's keys.
    package struct Reserve: Hashable, Sendable {
        /// The bucket.
        package var bucket: String
        /// What the vault's keys begin with; may be empty.
        package var prefix: String

        /// A reserved part of a bucket.
        package init(bucket: String, prefix: String) {
            self.bucket = bucket
            self.prefix = prefix
        }

        /// Whether writing or reading the object, or anything under it where it is a prefix, touches the vault.
        func touches(_ object: StoredObject) -> Bool {
            bucket == object.bucket
                && (object.key.utf8.starts(with: prefix.utf8)
                    || object.isPrefix && prefix.utf8.starts(with: object.key.utf8))
        }
    }

    /// How long files may take.
    package let limits: RemoteLimits
    private let servers: [ServerStore]
    private let reserve: Reserve?
    private let tenantRule: AddressRule
    private let engine: CurlEngine

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - servers: the operator's stores, in order.
    ///   - reserve: where the vault is, if in a bucket.
    ///   - tenantRule: where URLs and stores that users named may lead.
    ///   - engine: sends everything; the caller shuts it down.
    package init(
        servers: [ServerStore] = [], reserve: Reserve? = nil, tenantRule: AddressRule = .publicOnly(),
        limits: RemoteLimits = RemoteLimits(), engine: CurlEngine
    ) {
        self.servers = servers
        self.reserve = reserve
        self.tenantRule = tenantRule
        self.limits = limits
        self.engine = engine
    }

    /// Finds the way to an address: the project's own keys for the bucket, the project's for the kind of store, then
    /// the server's, where the operator lets the project use them for this place.
    ///
    /// - Parameters:
    ///   - project: the project's name.
    ///   - own: the project's stores, those of one bucket first.
    package func open(
        _ address: ObjectAddress, project: String, own: [ProjectStore]
    ) throws(RemoteFault) -> RemoteObject {
        switch address {
        case .url(let url):
            return RemoteObject(
                .url(
                    PresignedObject(
                        url, engine: engine, addressRule: tenantRule, timeouts: timeouts, retries: retries)),
                place: address.description)
        case .object(let object):
            let client = try client(for: object, project: project, own: own)
            return RemoteObject(.object(client, key: object.key), place: address.description)
        }
    }

    /// A client for probing what the operator configured; see `batchd check`.
    package func client(_ access: StoreAccess, bucket: String) throws(S3EndpointProblem) -> S3Client {
        S3Client(configuration(access, try access.place(region: nil), bucket: bucket, rule: .any), engine: engine)
    }

    private func client(
        for object: StoredObject, project: String, own: [ProjectStore]
    ) throws(RemoteFault) -> S3Client {
        let mine =
            own.first { $0.bucket == object.bucket && $0.access.fits(object) }
            ?? own.first { $0.bucket == nil && $0.access.fits(object) }
        let server = servers.first { $0.allows(object, project: project) }
        guard let access = mine?.access ?? server?.access else {
            throw RemoteFault(
                .noCredentials,
                "There are no keys for \(object): ask the operator to add some for this project's bucket "
                    + "'\(object.bucket)' (batchd object-stores add), or use a presigned https URL.")
        }
        // What a store, or a proxy before it, might read as another place is nothing for the operator's keys.
        if mine == nil, object.key.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) {
            throw RemoteFault(.notAllowed, "\(object) has a segment '.' or '..' in its key: write the key without.")
        }
        // Whoever brings keys of their own to the bucket may; the operator's open it to nobody else.
        if mine == nil, let reserve, reserve.touches(object) {
            throw RemoteFault(.notAllowed, "\(object) is where this server keeps its own files: use another place.")
        }
        do throws(S3EndpointProblem) {
            return S3Client(
                configuration(
                    access, try access.place(region: object.region), bucket: object.bucket,
                    rule: mine == nil ? .any : tenantRule),
                engine: engine)
        } catch {
            throw RemoteFault(
                .notAllowed,
                "\(object) cannot be reached through '\(access.name)': the endpoint "
                    + "\(error.message).")
        }
    }

    private func configuration(
        _ access: StoreAccess, _ endpoint: S3Endpoint, bucket: String, rule: AddressRule
    ) -> S3Configuration {
        S3Configuration(
            endpoint: endpoint, bucket: bucket, credentials: access.credentials, timeouts: timeouts, retries: retries,
            addressRule: rule)
    }

    private var timeouts: Timeouts {
        Timeouts(connect: .seconds(10), firstByte: limits.firstByte, idle: limits.stall, total: limits.transfer)
    }

    private var retries: RetryRule { RetryRule(attemptsMax: limits.requestTriesMax) }
}
