// SPDX-License-Identifier: Apache-2.0

import BatchCore

/// What a request says about who signed it, when, and what was signed; nothing of it is proved yet.
/// (contracts: Ark signature)
struct SignatureClaim: Sendable {
    /// Where the signature stands.
    enum Form: Sendable {
        /// In the `Authorization` field.
        case header
        /// In the query; only the parameters of these names are signed, and the body never is.
        case presigned(Set<[UInt8]>)
    }

    /// Where the signature stands.
    let form: Form
    /// Whose secret signed it.
    let accessKeyID: String
    /// The credential's day, `yyyymmdd`.
    let day: String
    /// The credential's region; any is accepted.
    let region: String
    /// `X-Date`: `yyyymmddThhmmssZ`.
    let moment: String
    /// Names of the signed header fields in lower case, in the order in which they were signed.
    let signedHeaders: [String]
    /// The signature, 32 bytes.
    let signature: [UInt8]

    /// The service that must stand in a credential.
    static let service = "ark"
    /// The word of the algorithm.
    static let algorithm = "HMAC-SHA256"
    /// Longest id of an access key, in bytes.
    static let accessKeyBytesMax = 128
    /// Most header fields that may be signed.
    static let signedHeadersMax = 64

    /// Day, region, service and the fixed word: what a key is good for.
    var scope: String { "\(day)/\(region)/\(Self.service)/request" }

    /// Reads what a request claims; a request with an `Authorization` field is signed by that.
    ///
    /// - Throws: `InvalidAuthorization`, `MissingRequestInfo`, `InvalidTimestamp`, `InvalidSecretToken`,
    ///   `ServiceNotFound`.
    init(reading request: SignedRequest, _ query: SignedQuery) throws(ArkFault) {
        for name in ["Action", "Version"] { _ = try query.text(of: name) }
        if let authorization = try request.value(of: "authorization") {
            try self.init(authorization: authorization, request)
        } else if try query.text(of: "X-Signature") != nil {
            try self.init(presigned: query, request)
        } else {
            throw .invalidAuthorization(
                "The request is not signed. Ark's control plane needs an access key (AK/SK) and a signature: "
                    + Self.authorizationForm)
        }
    }

    /// Refuses a request that was signed too long ago, or in the future.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - skewMax: how far the moment may lie from it, in seconds.
    func checkMoment(now: Int64, skewMax: Int64) throws(ArkFault) {
        guard let signed = Self.unixSeconds(moment) else {
            throw .invalidTimestamp("X-Date is '\(moment.prefix(40))'; write it as yyyymmddThhmmssZ, in UTC.")
        }
        guard moment.hasPrefix(day) else {
            throw .invalidTimestamp("X-Date \(moment) is of another day than the credential, \(day).")
        }
        guard abs(now - signed) <= skewMax else {
            throw .invalidTimestamp(
                "X-Date \(moment) is \(abs(now - signed)) s away from the server's clock; \(skewMax) s are allowed.")
        }
    }

    private init(authorization: [UInt8], _ request: SignedRequest) throws(ArkFault) {
        let fields = try Self.fields(of: authorization)
        guard let date = try request.value(of: "x-date"), !date.isEmpty else {
            throw .missingRequestInfo("The request has no X-Date header field.")
        }
        try self.init(
            form: .header, credential: fields["Credential"] ?? "", moment: String(decoding: date, as: UTF8.self),
            signedHeaders: fields["SignedHeaders"] ?? "", signature: fields["Signature"] ?? "")
        // Without them a signature could be used elsewhere, or for ever.
        for name in ["host", "x-date"] where !signedHeaders.contains(name) {
            throw .invalidAuthorization("SignedHeaders must contain '\(name)'.")
        }
        try Self.refuseToken(try request.value(of: "x-security-token"))
    }

    private init(presigned query: SignedQuery, _ request: SignedRequest) throws(ArkFault) {
        guard request.method == "GET" else {
            throw .invalidAuthorization("A signature in the query is good for GET only; sign this request's headers.")
        }
        guard try query.text(of: "X-Algorithm") == Self.algorithm else {
            throw .invalidAuthorization("X-Algorithm must be \(Self.algorithm).")
        }
        guard let moment = try query.text(of: "X-Date"), !moment.isEmpty else {
            throw .missingRequestInfo("The query has no X-Date.")
        }
        let signed = try query.text(of: "X-SignedQueries") ?? ""
        let names = Set(signed.utf8.split(separator: UInt8(ascii: ";")).map(Array.init))
        // What is not signed could have been added by anybody.
        let unsigned = ["X-Signature", "X-Security-Token"].map { Array($0.utf8) }
        if let added = query.items.first(where: { !names.contains($0.name) && !unsigned.contains($0.name) }) {
            let name = String(decoding: added.name.prefix(40), as: UTF8.self)
            throw .invalidAuthorization("The query parameter '\(name)' is not one of X-SignedQueries.")
        }
        for name in ["X-Date", "X-Credential", "X-SignedHeaders", "X-SignedQueries", "Action", "Version"]
        where !query.values(of: name).isEmpty && !names.contains(Array(name.utf8)) {
            throw .invalidAuthorization("X-SignedQueries must contain '\(name)'.")
        }
        try self.init(
            form: .presigned(names), credential: try query.text(of: "X-Credential") ?? "", moment: moment,
            signedHeaders: try query.text(of: "X-SignedHeaders") ?? "",
            signature: try query.text(of: "X-Signature") ?? "")
        try Self.refuseToken(query.values(of: "X-Security-Token").first)
    }

    private init(
        form: Form, credential: String, moment: String, signedHeaders: String, signature: String
    ) throws(ArkFault) {
        let parts = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[4] == "request", (1...Self.accessKeyBytesMax).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) }), parts[1].utf8.count == 8, !parts[2].isEmpty
        else {
            throw .invalidAuthorization("The credential must be ACCESS_KEY/yyyymmdd/region/\(Self.service)/request.")
        }
        guard let bytes = Self.bytes(ofHex: signature) else {
            throw .invalidAuthorization("The signature must be 64 hexadecimal digits in lower case.")
        }
        let names = signedHeaders.split(separator: ";").map(String.init)
        guard names.count <= Self.signedHeadersMax, Set(names).count == names.count,
            names.joined(separator: ";") == signedHeaders, names.allSatisfy(Self.isFieldName)
        else {
            throw .invalidAuthorization(
                "SignedHeaders must be up to \(Self.signedHeadersMax) names in lower case, each once, with ; between.")
        }
        guard parts[3] == Self.service else {
            throw .serviceNotFound("The credential is for the service '\(parts[3].prefix(40))'; this is 'ark'.")
        }
        self.form = form
        (accessKeyID, day, region) = (parts[0], parts[1], parts[2])
        self.moment = moment
        self.signedHeaders = names
        self.signature = bytes
    }
}

extension SignatureClaim {
    private static let authorizationForm =
        "Authorization: HMAC-SHA256 Credential=ACCESS_KEY/yyyymmdd/region/ark/request, SignedHeaders=…, Signature=…"

    /// `Name=value` of an `Authorization` field, blanks after commas being optional.
    private static func fields(of authorization: [UInt8]) throws(ArkFault) -> [String: String] {
        guard let text = String(validating: authorization, as: UTF8.self),
            text.utf8.starts(with: "\(algorithm) ".utf8)
        else { throw .invalidAuthorization("The Authorization field must be of the form \(authorizationForm)") }
        var fields: [String: String] = [:]
        for part in text.dropFirst(algorithm.utf8.count).split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, ["Credential", "SignedHeaders", "Signature"].contains(String(pair[0])),
                fields.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
            else { throw .invalidAuthorization("The Authorization field must be of the form \(authorizationForm)") }
        }
        guard fields.count == 3 else {
            throw .invalidAuthorization("The Authorization field must be of the form \(authorizationForm)")
        }
        return fields
    }

    private static func isFieldName(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_".utf8.contains(byte)
        }
    }

    private static func refuseToken(_ token: [UInt8]?) throws(ArkFault) {
        guard (token ?? []).isEmpty else {
            throw .invalidSecretToken("This server knows lasting access keys only; leave X-Security-Token away.")
        }
    }

    private static func unixSeconds(_ moment: String) -> Int64? {
        let bytes = Array(moment.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        return CompactMoment.unixSeconds(
            String(decoding: bytes[0..<8] + bytes[9..<15], as: UTF8.self), utcOffsetMinutes: 0)
    }

    private static func bytes(ofHex text: String) -> [UInt8]? {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        let values = digits.compactMap { $0 }
        guard values.count == 64, digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
