// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Foundation
import HTTPTesting
import StorageTesting
import Testing

@Suite struct PresignedObjectTests {
    private let quick = RetryRule(attemptsMax: 3, pauseFirst: .milliseconds(1), pauseMax: .milliseconds(2))

    private func read(_ download: ObjectDownload) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await download.next() { bytes += piece }
        return bytes
    }

    @Test func `a presigned URL of a real store writes and reads over broken connections`() async throws {
        try await withStore { store in
            let proxy = try FaultProxy(to: try PrivateStore.shared().port) { number in
                [1: .cutRequest(after: 100_000), 2: .cutAnswer(after: 500_000)][number] ?? .none
            }
            defer { proxy.stop() }
            let signing = S3Client(
                try storeConfiguration(port: proxy.port, bucket: store.configuration.bucket), engine: store.engine)
            let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 2) }
            let target = try OutboundURL(signing.presignedURL("PUT", "dir/out.jsonl", validFor: 60))
            try await PresignedObject(target, engine: store.engine, addressRule: .any, retries: quick)
                .put(UploadBody([.bytes(SharedBytes(sent))]))
            let source = try OutboundURL(signing.presignedURL("GET", "dir/out.jsonl", validFor: 60))
            let object = PresignedObject(source, engine: store.engine, addressRule: .any, retries: quick)
            #expect(try await read(object.get()) == sent)
            #expect(try await read(object.get(range: 5..<10)) == Array(sent[5..<10]))
        }
    }

    @Test func `an expired URL is an error without the permission in it`() async throws {
        try await withStore { store in
            try await store.client.put("key", SharedBytes([1]))
            let past = StoreClock(local: { Int64(Date().timeIntervalSince1970) - 100 })
            let client = S3Client(store.configuration, engine: store.engine, clock: past)
            let url = try OutboundURL(client.presignedURL("GET", "key", validFor: 10))
            let object = PresignedObject(url, engine: store.engine, addressRule: .any, retries: quick)
            await #expect {
                _ = try await object.get()
            } throws: { error in
                let text = "\(error)"
                return text.contains("AccessDenied (403)") && text.contains("the URL has expired")
                    && text.contains("/\(store.configuration.bucket)/key: ") && !text.contains("Signature=")
            }
        }
    }

    @Test func `a user's URL of this machine is refused unless the operator says otherwise`() async throws {
        try await withEngine { engine in
            let server = try ScriptedServer { _, connection in try connection.respond(200, text: "secret") }
            let object = PresignedObject(try OutboundURL(server.url("/x")), engine: engine, retries: quick)
            for action in [{ _ = try await object.get() }, { try await object.put(UploadBody([])) }] {
                await #expect {
                    try await action()
                } throws: { error in
                    guard case .network(let reason)? = (error as? S3Error)?.reason else { return false }
                    return reason.code == .addressRefused
                }
            }
            #expect(server.requestCount == 0)
        }
    }

    @Test func `no field of ours goes to a user's URL`() async throws {
        try await withEngine { engine in
            let server = try ScriptedServer { request, connection in
                let names = request.headers.map { $0.name.lowercased() }
                let isClean = !names.contains { $0 == "authorization" || $0.hasPrefix("x-amz") }
                try connection.respond(isClean ? 200 : 400, text: "x")
            }
            let url = try OutboundURL(server.url("/a%2Fb/../c?sig=a%2Bb&x"))
            let object = PresignedObject(url, engine: engine, addressRule: .any, retries: quick)
            #expect(try await read(object.get()) == [UInt8(ascii: "x")])
            try await object.put(UploadBody([.bytes(SharedBytes([1]))]), contentType: "application/jsonl")
        }
    }
}
