// SPDX-License-Identifier: Apache-2.0

internal import BatchCore
internal import BatchFiles
internal import BatchStore
internal import Loops
internal import Sealing

/// Opens the addresses of a project with the keys it may use.
struct RemoteDesk: Sendable {
    let store: Store
    let stores: RemoteStores
    /// Opens the project's own secrets; nil when there is none, and then no such secrets.
    let sealingKey: SealingKey?

    /// The way to `text` for a project.
    ///
    /// - Throws: ``RemoteFault``; any other error is one of the database.
    func open(_ text: String, project: ProjectID, name: String) async throws -> RemoteObject {
        let address: ObjectAddress
        do throws(ObjectAddressProblem) {
            address = try ObjectAddress(text)
        } catch {
            throw RemoteFault(.notAllowed, "The address \(error.message).")
        }
        return try await open(address, project: project, name: name)
    }

    /// The same for an address that was read.
    func open(_ address: ObjectAddress, project: ProjectID, name: String) async throws -> RemoteObject {
        guard case .object(let object) = address else { return try stores.open(address, project: name, own: []) }
        // Only the one that is used is opened: what is wrong with another must not stand in the way.
        let fitting = try await store.objectCredentials(project: project).filter { $0.fits(object) }
        let own = try fitting.prefix(1).map { try access($0, project) }
        return try stores.open(address, project: name, own: own)
    }

    /// Runs a transfer within the limit for one file.
    func transfer<Value: Sendable>(
        _ place: String, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let limit = stores.limits.transfer
        do {
            return try await withDeadline(limit, body)
        } catch is DeadlineExceeded {
            throw RemoteFault(
                .unreachable,
                "The transfer of \(place) was not finished within \(limit.components.seconds) s (remote.transfer).")
        }
    }

    private func access(_ credential: ObjectCredential, _ project: ProjectID) throws -> ProjectStore {
        let context = ObjectCredential.context(project: project, name: credential.name)
        let secret: [UInt8]
        let token: [UInt8]?
        do {
            guard let sealingKey else { throw SealingFault.unknownKey }
            secret = try sealingKey.open(credential.secret, context: context)
            token = try credential.sessionToken.map { try sealingKey.open($0, context: "\(context)/token") }
        } catch {
            throw RemoteFault(
                .noCredentials,
                "The project's keys '\(credential.name)' cannot be opened by this server (\(error)): its operator must "
                    + "correct sealing_key or add them again.", isRetryable: true)
        }
        return ProjectStore(
            access: StoreAccess(
                name: credential.name, kind: credential.kind, endpoint: credential.endpoint, region: credential.region,
                usesPathStyle: credential.usesPathStyle,
                credentials: S3Credentials(
                    accessKey: credential.accessKey, secretKey: String(decoding: secret, as: UTF8.self),
                    sessionToken: token.map { String(decoding: $0, as: UTF8.self) })),
            bucket: credential.bucket)
    }
}
