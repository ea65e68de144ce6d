// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Foundation
import ServerTesting
import Testing

@testable import BatchAPI

/// What a caller through the official SDK met.
private struct SDKCall: Decodable {
    struct Metadata: Decodable {
        struct Fault: Decodable {
            let Code: String
            let CodeN: Int?
        }
        let RequestId: String
        let Action: String
        let Version: String
        let Service: String
        let Region: String
        let Error: Fault
    }
    let call: String
    let status: Int
    let metadata: Metadata?
}

/// Ark's control plane over sockets: who may enter, and what everybody is answered.
@Suite struct ArkExchangeTests {
    private static let secret = "VFc5eVpTQnBiWEJ2Y25SaGJuUT0=="

    private func call(_ desk: RunningDesk, _ key: String, _ secret: String) async throws -> [SDKCall] {
        try await withScratch { scratch in
            let process = try ChildProcess(
                Products.python(), [Products.script("ark_calls.py"), "127.0.0.1:\(desk.port)", key, secret],
                name: "call", in: scratch)
            guard try await process.end(within: .seconds(60)) == .exited(0) else {
                throw RawFault(description: process.errors)
            }
            let calls = try JSONDecoder().decode([SDKCall].self, from: Data(process.output.utf8))
            #expect(calls.count == 3)
            return calls
        }
    }

    @Test func `the official SDK is let in with a good pair only, until the pair is revoked`() async throws {
        let desk = try await RunningDesk.start { $0.keyTrust = .zero }
        try await desk.addAccessKey("AKLTgood", secret: Self.secret, to: desk.project)
        for (key, secret, status, code) in [
            ("AKLTgood", Self.secret, 404, "InvalidActionOrVersion"),
            ("AKLTgood", "wrong", 401, "SignatureDoesNotMatch"), ("AKLTnone", Self.secret, 401, "InvalidAccessKey"),
        ] {
            for call in try await call(desk, key, secret) {
                if status == 404, call.call == "typed" {
                    #expect(call.status == 200, "\(call)")
                    continue
                }
                let metadata = try #require(call.metadata)
                #expect(call.status == status && metadata.Error.Code == code, "\(call)")
                #expect(metadata.Error.CodeN != nil && metadata.RequestId.hasPrefix("req_"))
                #expect(metadata.Action == (call.call == "typed" ? "ListBatchInferenceJobs" : "NoSuchAction"))
                #expect(metadata.Version == "2024-01-01" && metadata.Service == "ark")
                #expect(metadata.Region == "cn-beijing")
            }
        }
        #expect(try await desk.store.listAccessKeys().first?.lastUsedAt != nil)
        #expect(try await desk.store.revokeAccessKey(id: "AKLTgood"))
        let after = try await call(desk, "AKLTgood", Self.secret)
        #expect(after.allSatisfy { $0.metadata?.Error.Code == "InvalidAccessKey" })
        let log = desk.log.all.joined(separator: "\n")
        #expect(log.contains("project=\(desk.project)") && !log.contains(Self.secret))
        try await desk.stop()
    }

    @Test func `signed bytes arrive as they were sent`() async throws {
        let desk = try await RunningDesk.start()
        let vectors = try await SignedVector.fresh()
        let secret = try #require(vectors.first).secret
        try await desk.addAccessKey(SignedVector.accessKeyID, secret: secret, to: desk.project)
        for vector in vectors where vector.path == "/" && vector.secret == secret {
            let connection = try await RawConnection(port: desk.port)
            let lines =
                ["\(vector.method) /?\(vector.query) HTTP/1.1", "host: \(vector.host)"]
                + vector.headers.map { "\($0.key): \($0.value)" } + ["Content-Length: \(vector.bytes.count)"]
            try await connection.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + vector.bytes)
            let answer = try await connection.receive()
            let isList = vector.query.contains("Action=ListBatchInferenceJobs")
            #expect(answer.status == (isList ? 200 : 400), "\(vector.name): \(answer.bodyText)")
            let found = isList ? #""TotalCount":0"# : #"Parameter"#
            #expect(answer.bodyText.contains(found), "\(vector.name): \(answer.bodyText)")
        }
        try await desk.stop()
    }

    @Test func `every fault at the root, or of a signed request, is told in the envelope`() async throws {
        let desk = try await RunningDesk.start()
        for (method, path, headers, status, code) in [
            ("GET", "/", [], 400, "InvalidAuthorization"), ("POST", "/?Action=A", [], 400, "InvalidAuthorization"),
            ("PUT", "/", [], 405, "InvalidParameter"), ("GET", "/?Action=%zz", [], 400, "InvalidParameter"),
            ("POST", "/", ["Content-Encoding: gzip"], 415, "InvalidParameter"),
            ("POST", "/nowhere?Action=A&Version=B", ["Authorization: HMAC-SHA256 Credential=a"], 404, "NotFound"),
        ] as [(String, String, [String], Int, String)] {
            let answer = try await desk.send(method, path, headers: headers, key: .none)
            let metadata = answer.object["ResponseMetadata"] as? [String: Any] ?? [:]
            let error = metadata["Error"] as? [String: Any] ?? [:]
            #expect(answer.status == status && error["Code"] as? String == code, "\(method) \(path)")
            #expect(answer["content-type"] == "application/json" && answer.object["Result"] == nil)
            let requestID = metadata["RequestId"] as? String
            #expect(requestID == answer["x-request-id"] && requestID == answer["x-tt-logid"])
        }
        let elsewhere = try await desk.send("GET", "/nowhere?Action=A", key: .none)
        #expect(elsewhere.status == 404 && elsewhere.isProperError)
        try await desk.stop()
    }

    @Test func `a server without the operator's key lets nobody in, and tells only the log why`() async throws {
        let desk = try await RunningDesk.start(hasSealingKey: false)
        try await desk.addAccessKey("AKLTgood", secret: Self.secret, to: desk.project)
        let calls = try await call(desk, "AKLTgood", Self.secret)
        #expect(calls.allSatisfy { $0.status == 500 && $0.metadata?.Error.Code == "InternalError" })
        #expect(desk.log.all.contains { $0.contains("sealing_key is not set") })
        try await desk.stop()
    }
}
