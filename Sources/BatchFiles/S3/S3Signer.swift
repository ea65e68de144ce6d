// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// Signs requests to a store: AWS Signature Version 4. (contracts: SigV4 as our client must do it)
///
/// Bodies are sent plain, never in `aws-chunked` framing, which OSS refuses.
package struct S3Signer: Sendable {
    /// What the signature says about the body.
    package enum Payload: Hashable, Sendable {
        /// The body's SHA-256, 32 bytes: the store refuses any other body.
        case sha256([UInt8])
        /// Nothing; only TLS protects the body then.
        case unsigned

        /// Nothing is sent.
        package static let empty = hash([])

        /// The hash of these bytes.
        package static func hash(_ bytes: [UInt8]) -> Payload { .sha256(Array(SHA256.hash(data: bytes))) }

        /// Value of `x-amz-content-sha256`.
        var text: String {
            switch self {
            case .sha256(let hash): S3Encoding.hexadecimal(hash)
            case .unsigned: "UNSIGNED-PAYLOAD"
            }
        }
    }

    /// A request as far as its signature covers it.
    package struct Request: Sendable {
        /// Method in capitals.
        package var method: String
        /// Value of the `Host` field, with the port when it is not the scheme's.
        package var host: String
        /// Path as it travels, percent-encoded, beginning with a slash.
        package var path: String
        /// Names and values of the query, unencoded, in any order.
        package var query: [(name: String, value: String)]
        /// Fields to be signed besides `host`; only those in here may be trusted by the store.
        package var headers: [(name: String, value: String)]

        /// A request.
        package init(
            method: String, host: String, path: String, query: [(name: String, value: String)] = [],
            headers: [(name: String, value: String)] = []
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.headers = headers
        }

        /// The query in the only order and encoding that the signature fits; with its question mark unless empty.
        package var encodedQuery: String { query.isEmpty ? "" : "?" + S3Encoding.canonicalQuery(query) }
    }

    /// Longest life of a presigned URL, in seconds.
    package static let presignedSecondsMax = 604_800

    private let credentials: S3Credentials
    private let region: String

    /// Signs as `credentials` for a region such as `us-east-1`.
    package init(credentials: S3Credentials, region: String) {
        self.credentials = credentials
        self.region = region
    }

    /// The fields to send: those of the request, and those of the signature.
    ///
    /// - Parameter unixSeconds: the store's time as well as we know it.
    package func headers(
        for request: Request, payload: Payload, unixSeconds: Int64
    ) -> [(name: String, value: String)] {
        let moment = S3Timestamp(unixSeconds: unixSeconds)
        var fields = request.headers
        fields.append((name: "x-amz-content-sha256", value: payload.text))
        fields.append((name: "x-amz-date", value: moment.text))
        if let token = credentials.sessionToken { fields.append((name: "x-amz-security-token", value: token)) }
        var signed = request
        signed.headers = fields
        let (signature, names) = sign(signed, payload: payload.text, moment)
        fields.append(
            (
                name: "Authorization",
                value: "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope(moment)), "
                    + "SignedHeaders=\(names), Signature=\(signature)"
            ))
        return fields
    }

    /// The encoded query, question mark included, that lets whoever has it send the request for a while.
    ///
    /// - Parameter seconds: its life, 1…604,800; a number outside is moved to the nearer end.
    package func presignedQuery(for request: Request, validFor seconds: Int, unixSeconds: Int64) -> String {
        let moment = S3Timestamp(unixSeconds: unixSeconds)
        let names = canonicalHeaders(request).names
        var signed = request
        signed.query += [
            (name: "X-Amz-Algorithm", value: "AWS4-HMAC-SHA256"),
            (name: "X-Amz-Credential", value: "\(credentials.accessKey)/\(scope(moment))"),
            (name: "X-Amz-Date", value: moment.text),
            (name: "X-Amz-Expires", value: String(min(max(seconds, 1), Self.presignedSecondsMax))),
            (name: "X-Amz-SignedHeaders", value: names),
        ]
        if let token = credentials.sessionToken { signed.query.append((name: "X-Amz-Security-Token", value: token)) }
        let (signature, _) = sign(signed, payload: Payload.unsigned.text, moment)
        return signed.encodedQuery + "&X-Amz-Signature=\(signature)"
    }

    /// What is hashed and signed: one line each for method, path, query, every field, their names, and the payload.
    func canonicalRequest(_ request: Request, payload: String) -> String {
        let (lines, names) = canonicalHeaders(request)
        return [
            request.method, request.path, S3Encoding.canonicalQuery(request.query), lines, names, payload,
        ].joined(separator: "\n")
    }

    /// Date, region, service and the fixed word: what a key is good for.
    private func scope(_ moment: S3Timestamp) -> String { "\(moment.day)/\(region)/s3/aws4_request" }

    private func sign(
        _ request: Request, payload: String, _ moment: S3Timestamp
    ) -> (signature: String, names: String) {
        let hash = SHA256.hash(data: Array(canonicalRequest(request, payload: payload).utf8))
        let text = ["AWS4-HMAC-SHA256", moment.text, scope(moment), S3Encoding.hexadecimal(hash)]
        var key = Array("AWS4\(credentials.secretKey)".utf8)
        for part in [moment.day, region, "s3", "aws4_request", text.joined(separator: "\n")] {
            key = Array(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: key)))
        }
        return (S3Encoding.hexadecimal(key), canonicalHeaders(request).names)
    }

    /// Lower-case names in order, each once; values trimmed, blanks in them collapsed.
    private func canonicalHeaders(_ request: Request) -> (lines: String, names: String) {
        var values: [String: [String]] = ["host": [request.host]]
        for field in request.headers { values[field.name.lowercased(), default: []].append(Self.trim(field.value)) }
        let names = values.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let lines = names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))\n" }
        return (lines.joined(), names.joined(separator: ";"))
    }

    private static func trim(_ value: String) -> String {
        value.utf8.split { $0 == 0x20 || $0 == 0x09 }
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
