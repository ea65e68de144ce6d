// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Crypto
import HTTPTypes

/// Finds out which project a request speaks for, by its `Authorization: Bearer` header. (contracts: OpenAI transport)
///
/// Keys are looked up by their SHA-256, so the time a look-up takes says nothing about the characters of a stored key.
/// A key that was found is trusted for a few seconds without asking again; one that was not found never is.
final class KeyRing: Sendable {
    private let find: @Sendable ([UInt8]) async throws -> APIKeyOwner?
    private let owners: TrustedEntries<[UInt8], APIKeyOwner>

    /// A ring that asks `find` for SHA-256 digests, trusts the answer for `trust` and remembers `entriesMax` keys.
    init(
        trust: Duration, entriesMax: Int, find: @escaping @Sendable ([UInt8]) async throws -> APIKeyOwner?
    ) {
        self.owners = TrustedEntries(trust: trust, entriesMax: entriesMax)
        self.find = find
    }

    /// The project of the request's key, which is not a temporary one: those are for Ark's runtime only.
    ///
    /// - Throws: a 401 or 403 ``BatchCore/BatchError`` that says what is missing; or what the database threw.
    func project(for headers: HTTPFields) async throws -> ProjectID {
        let owner = try await owner(for: headers)
        guard !owner.isTemporary else {
            throw BatchError(
                status: 403, type: "invalid_request_error", code: "temporary_api_key",
                message:
                    "Temporary API keys of GetApiKey are for the routes below \(LiveRoutes.runtimePrefix) only; use "
                    + "a lasting key here.", isFinal: true)
        }
        return owner.project
    }

    /// Whom the request's key belongs to.
    ///
    /// - Throws: a 401 ``BatchCore/BatchError`` that says what is missing; or what the database threw.
    func owner(for headers: HTTPFields) async throws -> APIKeyOwner {
        let key = try Self.key(in: headers)
        let digest = Array(SHA256.hash(data: Array(key.utf8)))
        guard let owner = try await owners.value(of: digest, find: { [find] in try await find(digest) }) else {
            throw BatchError.unauthorized(
                "Incorrect API key provided\(Self.hint(key)). Ask the operator of this server for a key; keys of other "
                    + "services do not work here.")
        }
        return owner
    }

    /// The key that the headers carry.
    private static func key(in headers: HTTPFields) throws -> String {
        let values = headers[values: .authorization]
        guard let value = values.first else {
            throw BatchError.unauthorized(
                "You didn't provide an API key. Send it in a header of each request: Authorization: Bearer YOUR_KEY.")
        }
        guard values.count == 1 else {
            throw BatchError.unauthorized(
                "The request has \(values.count) Authorization headers; send one: Authorization: Bearer YOUR_KEY."
            )
        }
        let pieces = value.split(separator: " ", omittingEmptySubsequences: true)
        guard pieces.count == 2, pieces[0].lowercased() == "bearer", pieces[1].utf8.count <= 512,
            pieces[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw BatchError.unauthorized(
                "The Authorization header is not of the form: Authorization: Bearer YOUR_KEY.")
        }
        return String(pieces[1])
    }

    /// Enough of a key to recognise it, never enough to use it.
    private static func hint(_ key: String) -> String {
        key.utf8.count >= 20 ? ": \(key.prefix(7))…" : ""
    }
}
