// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Proves that a request was signed by whoever has an access key's secret: HMAC-SHA256 of Volcengine's OpenAPI.
/// (contracts: Ark signature)
///
/// Everything is computed from the bytes that arrived. The same signature may come again: the SDKs send it anew when
/// they retry.
struct SignatureVerifier: Sendable {
    /// The secret access key as text. It is the key as it stands, even where it looks like base64.
    private let secret: [UInt8]

    /// A verifier for one secret.
    init(secret: [UInt8]) {
        self.secret = secret
    }

    /// Checks the signature and the body's hash.
    ///
    /// - Throws: `SignatureDoesNotMatch`; `InvalidAuthorization` when a signed field came several times or a presigned
    ///   request has a body.
    func verify(
        _ claim: SignatureClaim, of request: SignedRequest, _ query: SignedQuery, body: [UInt8]
    ) throws(ArkFault) {
        let hash = Self.hexadecimal(SHA256.hash(data: body))
        if case .presigned = claim.form {
            guard body.isEmpty else {
                throw .invalidAuthorization("A signature in the query does not cover a body; send none.")
            }
        } else if let stated = try request.value(of: "x-content-sha256"), !stated.isEmpty {
            guard stated == Array(hash.utf8) else {
                throw .signatureDoesNotMatch("X-Content-Sha256 is not the SHA-256 of the body, in lower case.")
            }
        }
        let canonical = try canonicalRequest(claim, request, query, payload: hash)
        let text = [
            SignatureClaim.algorithm, claim.moment, claim.scope,
            Self.hexadecimal(SHA256.hash(data: canonical)),
        ].joined(separator: "\n")
        var key = SymmetricKey(data: secret)
        for part in [claim.day, claim.region, SignatureClaim.service, "request"] {
            key = SymmetricKey(data: Array(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key)))
        }
        // Takes as long for any wrong signature.
        guard HMAC<SHA256>.isValidAuthenticationCode(claim.signature, authenticating: Array(text.utf8), using: key)
        else {
            throw .signatureDoesNotMatch(
                "The signature does not fit the request and the access key's secret. Check the secret, and that "
                    + "nothing on the way changes Host, path, query or body.")
        }
    }

    /// What is hashed and signed: one line each for method, path, query, every field, their names, and the payload.
    private func canonicalRequest(
        _ claim: SignatureClaim, _ request: SignedRequest, _ query: SignedQuery, payload: String
    ) throws(ArkFault) -> [UInt8] {
        var signedNames: Set<[UInt8]>?
        var isPresigned = false
        if case .presigned(let names) = claim.form { (signedNames, isPresigned) = (names, true) }
        let path = request.path.isEmpty ? "/" : request.path
        var bytes = Array("\(request.method)\n\(path)\n\(query.canonical(only: signedNames))\n".utf8)
        for name in claim.signedHeaders {
            // A field that was signed but not sent counts as empty: a published helper signs that way.
            var value = try request.value(of: name) ?? []
            if name == "host", !isPresigned { value = Self.withoutUsualPort(value) }
            bytes.append(contentsOf: "\(name):".utf8)
            bytes.append(contentsOf: Self.trimmed(value))
            bytes.append(UInt8(ascii: "\n"))
        }
        // The official SDK leaves an empty line where there are no fields.
        if claim.signedHeaders.isEmpty { bytes.append(UInt8(ascii: "\n")) }
        bytes.append(contentsOf: "\n\(claim.signedHeaders.joined(separator: ";"))\n\(payload)".utf8)
        return bytes
    }

    /// The host without `:80` or `:443`; other ports are signed. Addresses in brackets are signed as they are.
    private static func withoutUsualPort(_ host: [UInt8]) -> [UInt8] {
        guard host.first != UInt8(ascii: "["), let colon = host.firstIndex(of: UInt8(ascii: ":")) else { return host }
        let port = host[(colon + 1)...]
        return port.elementsEqual("80".utf8) || port.elementsEqual("443".utf8) ? Array(host[..<colon]) : host
    }

    private static func trimmed(_ value: [UInt8]) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = value.firstIndex(where: { !isBlank($0) }),
            let last = value.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return value[first...last]
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
