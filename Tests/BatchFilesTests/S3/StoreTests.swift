// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Foundation
import HTTPTesting
import StorageTesting
import Testing

/// Against a real store: that it accepts our signatures, keeps our bytes, and that its refusals are understood.
@Suite struct StoreTests {
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 2) } }

    private func read(_ download: ObjectDownload) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await download.next() { bytes += piece }
        return bytes
    }

    @Test(arguments: [
        "plain", "with space", "a/b/c.jsonl", "double//slash", "plus+equals=at@amp&dollar$", "percent%20literal",
        "quotes'()*!~[]{}", "ünïcödé/批处理/😀", "question?hash#", "tab-less <xml> & \"quotes\"", "../up/./here",
    ])
    func `an object is found again under every key, in listings too`(key: String) async throws {
        try await withStore { store in
            let sent = bytes(1_000)
            let tag = try await store.client.put(key, SharedBytes(sent))
            #expect(try await read(store.client.get(key)) == sent)
            #expect(try await read(store.client.get(key, range: 10..<20)) == Array(sent[10..<20]))
            let head = try await store.client.head(key)
            #expect(head.bytes == 1_000)
            #expect(head.entityTag == tag)
            var listed: [S3Object] = []
            try await store.client.forEachObject(prefix: String(key.prefix(3))) { listed.append($0) }
            #expect(listed.map(\.key) == [key])
            #expect(listed.first?.bytes == 1_000)
            #expect(abs((listed.first?.changedAt ?? 0) - Int64(Date().timeIntervalSince1970)) < 300)
            try await store.client.delete(key)
            try await store.client.delete(key)
            await #expect { try await store.client.head(key) } throws: { ($0 as? S3Error)?.isMissingObject == true }
        }
    }

    @Test func `an upload in parts becomes one object, its parts are listed, and it is resumed from them`() async throws
    {
        try await withStore { store in
            let parts = [bytes(300_000), bytes(70_000), bytes(5)]
            let upload = try await store.client.createUpload("big")
            let second = try await store.client.uploadPart("big", upload: upload, number: 2, SharedBytes(parts[1]))
            let first = try await store.client.uploadPart("big", upload: upload, number: 1, SharedBytes(parts[0]))
            #expect(try await store.client.listParts("big", upload: upload) == [first, second])
            var pending: [S3PendingUpload] = []
            try await store.client.forEachUpload(prefix: "b") { pending.append($0) }
            #expect(pending.map(\.id) == [upload])
            await #expect { try await store.client.head("big") } throws: { ($0 as? S3Error)?.isMissingObject == true }
            let third = try await store.client.uploadPart("big", upload: upload, number: 3, SharedBytes(parts[2]))
            try await store.client.completeUpload("big", upload: upload, [first, second, third])
            #expect(try await read(store.client.get("big")) == parts.flatMap { $0 })
            // As after an answer that was lost: the upload is gone because it succeeded.
            try await store.client.completeUpload("big", upload: upload, [first, second, third])
            try await store.client.abortUpload("big", upload: upload)
        }
    }

    @Test func `the bucket may be part of the host's name`() async throws {
        try await withStore { store in
            var configuration = store.configuration
            configuration.endpoint = try S3Endpoint(
                url: "http://localhost:\(PrivateStore.shared().port)", region: PrivateStore.region,
                usesPathStyle: false)
            let client = S3Client(configuration, engine: store.engine)
            let writer = S3ObjectWriter(client, key: "a b/c+d")
            try bytes(600_000).withUnsafeBytes { try writer.append($0) }
            try await writer.finish()
            #expect(try await read(client.get("a b/c+d")) == bytes(600_000))
            var keys: [String] = []
            try await client.forEachObject(prefix: "a b/") { keys.append($0.key) }
            #expect(keys == ["a b/c+d"])
            let url = client.presignedURL("GET", "a b/c+d", validFor: 60)
            #expect(url.hasPrefix("http://\(configuration.bucket).localhost:"))
            #expect(try await store.engine.perform(HTTPRequest(url: url)).body.count == 600_000)
        }
    }

    @Test func `an upload that was given up leaves neither parts nor object`() async throws {
        try await withStore { store in
            let upload = try await store.client.createUpload("big")
            _ = try await store.client.uploadPart("big", upload: upload, number: 1, SharedBytes(bytes(70_000)))
            try await store.client.abortUpload("big", upload: upload)
            try await store.client.abortUpload("big", upload: upload)
            await #expect(throws: S3Error.self) { try await store.client.listParts("big", upload: upload) }
            try await store.client.forEachUpload(prefix: "") { Issue.record("\($0) is left") }
        }
    }

    @Test func `a listing of many pages is complete and in order`() async throws {
        try await withStore { store in
            let keys = (0..<25).map { "page/\($0 + 100)" }
            for key in keys { try await store.client.put(key, SharedBytes([1])) }
            var listed: [String] = []
            try await store.client.forEachObject(prefix: "page/", pageSize: 7) { listed.append($0.key) }
            #expect(listed == keys)
        }
    }

    @Test func `a presigned URL reads and writes without credentials until it expires`() async throws {
        try await withStore { store in
            let put = store.client.presignedURL("PUT", "out put", validFor: 60)
            let sent = bytes(10_000)
            let answer = try await store.engine.perform(
                HTTPRequest(method: "PUT", url: put, body: SharedBytes(sent)))
            #expect(answer.status == 200)
            let get = store.client.presignedURL("GET", "out put", validFor: 60)
            #expect(try await store.engine.perform(HTTPRequest(url: get)).body == sent)
            let past = StoreClock(local: { Int64(Date().timeIntervalSince1970) - 100 })
            let expired = S3Client(store.configuration, engine: store.engine, clock: past)
                .presignedURL("GET", "out put", validFor: 60)
            #expect(try await store.engine.perform(HTTPRequest(url: expired)).status == 403)
        }
    }

    @Test func `a wrong secret is called that, and nothing is retried`() async throws {
        try await withStore { store in
            let proxy = try FaultProxy(to: try PrivateStore.shared().port) { _ in .none }
            let configuration = try storeConfiguration(
                port: proxy.port, bucket: store.configuration.bucket, secretKey: "wrong")
            let client = S3Client(configuration, engine: store.engine)
            await #expect {
                try await client.put("key", SharedBytes([1]))
            } throws: { error in
                let text = "\(error)"
                return (error as? S3Error)?.code == "SignatureDoesNotMatch" && text.contains("s3://")
                    && text.contains("the secret key is most likely wrong") && text.contains("[request tx")
            }
            #expect(proxy.connectionCount == 1)
        }
    }

    @Test func `an unknown access key and a missing bucket are called that`() async throws {
        try await withStore { store in
            let port = try PrivateStore.shared().port
            let stranger = S3Client(
                try storeConfiguration(port: port, bucket: store.configuration.bucket, accessKey: "test:nobody"),
                engine: store.engine)
            await #expect { try await stranger.head("x") } throws: { ($0 as? S3Error)?.status == 403 }
            await #expect {
                try await stranger.put("x", SharedBytes([1]))
            } throws: { ["InvalidAccessKeyId", "SignatureDoesNotMatch"].contains(($0 as? S3Error)?.code) }
            let configuration = try storeConfiguration(port: port, bucket: PrivateStore.freshBucket())
            let vault = S3Vault(configuration, prefix: "", engine: store.engine)
            await #expect {
                try await vault.check()
            } throws: { error in
                guard case .system(_, let path, let reason) = error as? VaultError else { return false }
                return path.hasPrefix("s3://\(configuration.bucket)/probe-") && reason.contains("NoSuchBucket (404)")
                    && reason.contains("create the bucket or correct its name")
            }
        }
    }

    @Test(arguments: [-86_400, 86_400] as [Int64])
    func `a clock that is a day off is corrected from the store's`(offset: Int64) async throws {
        try await withStore { store in
            let clock = StoreClock(local: { Int64(Date().timeIntervalSince1970) + offset })
            let client = S3Client(store.configuration, engine: store.engine, clock: clock)
            try await client.put("key", SharedBytes([1, 2]))
            #expect(abs(clock.unixSeconds - Int64(Date().timeIntervalSince1970)) < 60)
            let other = S3Client(
                store.configuration, engine: store.engine,
                clock: StoreClock(local: {
                    Int64(Date().timeIntervalSince1970) + offset
                }))
            // A HEAD has no body that could tell the reason.
            #expect(try await other.head("key").bytes == 2)
        }
    }
}
