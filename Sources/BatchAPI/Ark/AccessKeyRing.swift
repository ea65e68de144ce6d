// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Sealing

/// Whom a request speaks for whose signature was verified.
struct SignedCaller: Sendable {
    /// The tenant of the access key.
    let project: ProjectID
    /// The access key's id.
    let accessKeyID: String
    /// The region that the caller signed for; any is accepted.
    let region: String
    /// The parameters of the URL, decoded.
    let query: SignedQuery
}

/// Finds out which project a request to Ark's control plane speaks for, by its signature. (contracts: Ark signature)
///
/// A secret that was found is trusted for a few seconds without asking again; an access key that was not found never.
final class AccessKeyRing: Sendable {
    /// An access key whose secret was opened.
    private struct OpenKey: Sendable {
        let project: ProjectID
        let secret: [UInt8]
    }

    private let store: Store
    private let sealingKey: SealingKey?
    private let skewMax: Int64
    private let keys: TrustedEntries<String, OpenKey>

    /// A ring of the access keys in `store`.
    ///
    /// - Parameters:
    ///   - sealingKey: opens their secrets; without it nobody is admitted.
    ///   - trust: how long a secret is trusted.
    ///   - entriesMax: secrets that are remembered that way.
    ///   - skewMax: how far the moment of a signature may lie from the server's clock.
    init(store: Store, sealingKey: SealingKey?, trust: Duration, entriesMax: Int, skewMax: Duration) {
        self.store = store
        self.sealingKey = sealingKey
        self.skewMax = skewMax.components.seconds
        self.keys = TrustedEntries(trust: trust, entriesMax: entriesMax)
    }

    /// Whom `request` speaks for, and its body, which is read only when the rest can be right.
    ///
    /// - Parameter now: Unix seconds.
    /// - Throws: an ``ArkFault`` that says what is wrong; what the database or `body` threw; ``SealingFault``.
    func admit(
        _ request: SignedRequest, now: Int64, body: () async throws -> [UInt8]
    ) async throws -> (caller: SignedCaller, body: [UInt8]) {
        let query = try SignedQuery(request.query)
        let claim = try SignatureClaim(reading: request, query)
        try claim.checkMoment(now: now, skewMax: skewMax)
        let id = claim.accessKeyID
        guard let key = try await keys.value(of: id, find: { try await self.find(id) }) else {
            throw ArkFault.invalidAccessKey(
                "This server does not know the access key, or it was revoked. Ask its operator for one; access keys of "
                    + "other services do not work here.")
        }
        let bytes = try await body()
        try SignatureVerifier(secret: key.secret).verify(claim, of: request, query, body: bytes)
        let caller = SignedCaller(
            project: key.project, accessKeyID: claim.accessKeyID, region: claim.region, query: query)
        return (caller, bytes)
    }

    private func find(_ id: String) async throws -> OpenKey? {
        guard let key = try await store.findAccessKey(id: id) else { return nil }
        guard let sealingKey else { throw MissingSealingKey() }
        let secret = try sealingKey.open(key.secret, context: AccessKey.context(project: key.project, id: id))
        return OpenKey(project: key.project, secret: secret)
    }
}

/// The operator has not given this server the key that opens secrets.
struct MissingSealingKey: Error, CustomStringConvertible {
    /// For operators.
    let description = "sealing_key is not set, so that the secrets of access keys cannot be opened"
}
