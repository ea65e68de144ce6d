// SPDX-License-Identifier: Apache-2.0
import Foundation
import ServerTesting
import Testing

@testable import BatchAPI

/// A request that Tests/Python/ark_signatures.py signed.
struct SignedVector: Decodable, Sendable {
    let name: String
    let secret: String
    var method: String
    var path: String
    var query: String
    var host: String
    var headers: [String: String]
    /// Base64.
    let body: String

    /// Whose secret it is.
    static let accessKeyID = "AKLTdGVzdGluZw"

    var bytes: [UInt8] { Array(Data(base64Encoded: body) ?? Data()) }

    var request: SignedRequest {
        SignedRequest(
            method: method, path: path, query: query, host: host,
            headers: headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: Array($0.value.utf8)) })
    }

    /// Requests signed now by the official SDK and in the manner of a published helper.
    static func fresh() async throws -> [SignedVector] {
        try await withScratch { scratch in
            let process = try ChildProcess(
                Products.python(), [Products.script("ark_signatures.py")], name: "sign", in: scratch)
            guard try await process.end(within: .seconds(60)) == .exited(0) else {
                throw RawFault(description: process.errors)
            }
            return try JSONDecoder().decode([SignedVector].self, from: Data(process.output.utf8))
        }
    }
}

/// What a request is judged to be: the code of its fault, or nil when it is good.
private func verdict(
    _ request: SignedRequest, body: [UInt8], secret: String, now: Int64 = HTTPDate.unixSeconds(), skewMax: Int64 = 900
) throws -> String? {
    do {
        let query = try SignedQuery(request.query)
        let claim = try SignatureClaim(reading: request, query)
        try claim.checkMoment(now: now, skewMax: skewMax)
        guard claim.accessKeyID == SignedVector.accessKeyID else { return "InvalidAccessKey" }
        try SignatureVerifier(secret: Array(secret.utf8)).verify(claim, of: request, query, body: body)
        return nil
    } catch {
        return error.code
    }
}

private func flipped(_ text: String, _ place: Int) -> String {
    var bytes = Array(text.utf8)
    bytes[place] ^= 1
    return String(decoding: bytes, as: UTF8.self)
}

/// The signature of requests to Ark's control plane.
@Suite struct SignatureTests {
    @Test func `what the official SDK and the published helper sign is verified`() async throws {
        let vectors = try await SignedVector.fresh()
        #expect(vectors.count == 19)
        for vector in vectors {
            #expect(try verdict(vector.request, body: vector.bytes, secret: vector.secret) == nil, "\(vector.name)")
            #expect(
                try verdict(vector.request, body: vector.bytes, secret: vector.secret + "x")
                    == "SignatureDoesNotMatch", "\(vector.name)")
        }
    }

    @Test func `a request in which one byte of what was signed is another is refused`() async throws {
        var tried = 0
        for vector in try await SignedVector.fresh() {
            func refused(_ request: SignedRequest, _ body: [UInt8]? = nil, _ what: String) throws {
                tried += 1
                let found = try verdict(request, body: body ?? vector.bytes, secret: vector.secret)
                #expect(found != nil, "\(vector.name): \(what)")
            }
            let request = vector.request
            let query = try SignedQuery(request.query)
            let signed = try SignatureClaim(reading: request, query).signedHeaders
            for place in 0..<request.method.utf8.count {
                var other = request
                other.method = flipped(request.method, place)
                try refused(other, nil, "method \(place)")
            }
            for place in 0..<request.path.utf8.count {
                var other = request
                other.path = flipped(request.path, place)
                try refused(other, nil, "path \(place)")
            }
            for place in 0..<request.query.utf8.count {
                var other = request
                other.query = flipped(request.query, place)
                try refused(other, nil, "query \(place)")
            }
            for place in 0..<request.host.utf8.count where signed.contains("host") {
                var other = request
                other.host = flipped(request.host, place)
                try refused(other, nil, "host \(place)")
            }
            for (number, field) in request.headers.enumerated()
            where signed.contains(field.name.lowercased()) || field.name == "Authorization" {
                for place in field.value.indices {
                    var other = request
                    other.headers[number].value[place] ^= 1
                    try refused(other, nil, "\(field.name) \(place)")
                }
                var other = request
                other.headers.remove(at: number)
                try refused(other, nil, "without \(field.name)")
            }
            for place in vector.bytes.indices {
                var body = vector.bytes
                body[place] ^= 1
                try refused(request, body, "body \(place)")
            }
            try refused(request, vector.bytes + [0x20], "a longer body")
        }
        #expect(tried > 5_000)
    }

    @Test func `a signature is good for a quarter of an hour around the server's clock`() async throws {
        let all = try await SignedVector.fresh()
        for vector in [try #require(all.first), try #require(all.last)] {
            let inQuery = try SignedQuery(vector.query).text(of: "X-Date")
            let text = try #require(vector.headers["X-Date"] ?? inQuery)
            let signed = try #require(
                CompactMoment.unixSeconds(text.replacing(/[TZ]/, with: ""), utcOffsetMinutes: 0))
            let ages: [(Int64, String?)] = [
                (0, nil), (900, nil), (-900, nil), (901, "InvalidTimestamp"), (-901, "InvalidTimestamp"),
            ]
            for (age, code) in ages {
                let found = try verdict(vector.request, body: vector.bytes, secret: vector.secret, now: signed + age)
                #expect(found == code, "\(vector.name) after \(age) s")
            }
        }
    }

    @Test func `each fault of a signed request has its code`() async throws {
        let vector = try #require(try await SignedVector.fresh().first)
        func code(_ change: (inout SignedRequest) -> Void) throws -> String? {
            var request = vector.request
            change(&request)
            return try verdict(request, body: vector.bytes, secret: vector.secret)
        }
        func field(_ name: String, _ request: SignedRequest) -> Int {
            request.headers.firstIndex { $0.name == name } ?? 0
        }
        func replacing(_ old: String, _ new: String) throws -> String? {
            try code { request in
                let place = field("Authorization", request)
                let text = String(decoding: request.headers[place].value, as: UTF8.self)
                request.headers[place].value = Array(text.replacing(old, with: new).utf8)
            }
        }
        #expect(try code { $0.headers.remove(at: field("Authorization", $0)) } == "InvalidAuthorization")
        #expect(
            try code { $0.headers[field("Authorization", $0)].value = Array("Bearer k".utf8) }
                == "InvalidAuthorization")
        #expect(try code { $0.headers.append(("authorization", Array("x".utf8))) } == "InvalidAuthorization")
        #expect(try code { $0.headers.append(("x-date", Array("20240514T132743Z".utf8))) } == "InvalidAuthorization")
        #expect(try code { $0.headers.remove(at: field("X-Date", $0)) } == "MissingRequestInfo")
        #expect(try code { $0.headers[field("X-Date", $0)].value = Array("today".utf8) } == "InvalidTimestamp")
        #expect(try code { $0.headers.append(("X-Security-Token", [0x74])) } == "InvalidSecretToken")
        #expect(try code { $0.query += "&Action=DeleteBatchInferenceJob" } == "InvalidParameter.Action")
        #expect(try code { $0.query += "&a=%zz" } == "InvalidParameter")
        #expect(try replacing("/ark/", "/iam/") == "ServiceNotFound")
        #expect(try replacing("/cn-beijing/", "/cn-shanghai/") == "SignatureDoesNotMatch")
        #expect(try replacing("/request", "/answer") == "InvalidAuthorization")
        #expect(try replacing(";host", "") == "InvalidAuthorization")
        #expect(try replacing(";x-date", "") == "InvalidAuthorization")
        #expect(try replacing(";host", ";host;host") == "InvalidAuthorization")
        #expect(try replacing("AKLT", "BKLT") == "InvalidAccessKey")
        #expect(try replacing("Signature=", "Signature=0") == "InvalidAuthorization")
        #expect(try replacing(", ", ",") == nil)
        #expect(try code { $0.headers[field("X-Content-Sha256", $0)].value = [] } == "SignatureDoesNotMatch")
    }

    @Test func `a signature in the query covers all of the query and nothing else`() async throws {
        let vector = try #require(try await SignedVector.fresh().last)
        func code(_ body: [UInt8] = [], _ change: (inout SignedRequest) -> Void) throws -> String? {
            var request = vector.request
            change(&request)
            return try verdict(request, body: body, secret: vector.secret)
        }
        #expect(try code { _ in } == nil)
        #expect(try code { $0.headers.append(("x-other", [0x74])) } == nil)
        #expect(try code([0x7B, 0x7D]) { _ in } == "InvalidAuthorization")
        #expect(try code { $0.method = "POST" } == "InvalidAuthorization")
        #expect(try code { $0.query += "&Id=bi-1" } == "InvalidAuthorization")
        #expect(try code { $0.query += "&X-Security-Token=t" } == "InvalidSecretToken")
        #expect(
            try code { $0.query = $0.query.replacing("X-Algorithm=HMAC-SHA256", with: "X-Algorithm=none") }
                == "InvalidAuthorization")
    }
}
