// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Foundation
import HTTPTesting
import StorageTesting
import Testing

/// A real store behind a connection that breaks.
@Suite struct FaultTests {
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 2) } }

    private func read(_ download: ObjectDownload) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await download.next() { bytes += piece }
        return bytes
    }

    /// A client whose connections go through a proxy.
    private func client(
        _ store: StoreRig, timeouts: Timeouts = Timeouts(idle: .seconds(30)),
        _ fault: @escaping @Sendable (Int) -> FaultProxy.Fault
    ) throws -> (S3Client, FaultProxy) {
        let proxy = try FaultProxy(to: try PrivateStore.shared().port, fault: fault)
        let configuration = try storeConfiguration(
            port: proxy.port, bucket: store.configuration.bucket, timeouts: timeouts)
        return (S3Client(configuration, engine: store.engine), proxy)
    }

    @Test func `a download whose connection is cut again and again goes on where it stopped`() async throws {
        try await withStore { store in
            let sent = bytes(2_000_000)
            try await store.client.put("key", SharedBytes(sent))
            let (client, proxy) = try client(store) { .cutAnswer(after: $0 < 6 ? 300_000 + $0 : .max) }
            #expect(try await read(client.get("key")) == sent)
            #expect(try await read(client.get("key", range: 100_000..<1_900_001)) == Array(sent[100_000..<1_900_001]))
            #expect(proxy.connectionCount >= 6)
        }
    }

    @Test func `a download that stands still is begun anew where it stopped`() async throws {
        try await withStore { store in
            let sent = bytes(1_000_000)
            try await store.client.put("key", SharedBytes(sent))
            let (client, proxy) = try client(store, timeouts: Timeouts(idle: .milliseconds(500))) {
                $0 == 1 ? .stallAnswer(after: 400_000) : .none
            }
            #expect(try await read(client.get("key")) == sent)
            #expect(proxy.connectionCount == 2)
        }
    }

    @Test func `two versions of an object are never mixed`() async throws {
        try await withStore { store in
            try await store.client.put("key", SharedBytes(bytes(2_000_000)))
            let (client, proxy) = try client(store) { $0 == 1 ? .cutAnswer(after: 1_500_000) : .none }
            defer { proxy.stop() }
            let download = try await client.get("key")
            _ = try await download.next()
            try await store.client.put("key", SharedBytes([UInt8](repeating: 1, count: 2_000_000)))
            await #expect {
                _ = try await read(download)
            } throws: { "\($0)".contains("changed while it was being read") }
        }
    }

    @Test func `a download that never gets on ends with an error that names the object`() async throws {
        try await withStore { store in
            try await store.client.put("key", SharedBytes(bytes(1_000_000)))
            let (client, proxy) = try client(store) { .cutAnswer(after: $0 == 1 ? 400_000 : 0) }
            defer { proxy.stop() }
            await #expect {
                _ = try await read(client.get("key"))
            } throws: { error in
                guard case .network? = (error as? S3Error)?.reason else { return false }
                return "\(error)".hasPrefix("cannot read s3://\(store.configuration.bucket)/key: ")
            }
        }
    }

    @Test func `a blob whose parts are cut off on the way arrives whole`() async throws {
        try await withStore { store in
            let proxy = try FaultProxy(to: try PrivateStore.shared().port) { number in
                number.isMultiple(of: 2) ? .none : .cutRequest(after: 300_000)
            }
            let configuration = try storeConfiguration(port: proxy.port, bucket: store.configuration.bucket)
            let vault = S3Vault(configuration, prefix: "p/", engine: store.engine)
            let sent = bytes(1_300_000)
            let writer = try await vault.begin()
            for start in stride(from: 0, to: sent.count, by: 100_000) {
                await writer.ready()
                try sent[start..<(start + 100_000)].withUnsafeBytes { try writer.append($0) }
            }
            let blob = try await writer.seal()
            #expect(blob.bytes == 1_300_000)
            let key = "p/blobs/\(blob.vaultKey.prefix(2))/\(blob.vaultKey)"
            #expect(try await read(store.client.get(key)) == sent)
            #expect(proxy.connectionCount > 1)
            try await store.client.forEachUpload(prefix: "") { Issue.record("\($0) is left") }
        }
    }

    @Test(arguments: [100_000, 700_000])
    func `a blob that cannot be sealed is never seen`(size: Int) async throws {
        try await withStore { store in
            let (_, proxy) = try client(store) { _ in .cutRequest(after: 40_000) }
            let configuration = try storeConfiguration(port: proxy.port, bucket: store.configuration.bucket)
            let vault = S3Vault(configuration, prefix: "", engine: store.engine)
            let writer = try await vault.begin()
            await #expect {
                for _ in 0..<(size / 100_000) {
                    await writer.ready()
                    try bytes(100_000).withUnsafeBytes { try writer.append($0) }
                }
                _ = try await writer.seal()
            } throws: { error in
                guard case .system(_, let path, let reason) = error as? VaultError else { return false }
                return path.hasPrefix("s3://\(store.configuration.bucket)/blobs/") && !reason.isEmpty
            }
            await writer.discard()
            try await store.client.forEachObject(prefix: "") { Issue.record("\($0) is there") }
            try await store.client.forEachUpload(prefix: "") { Issue.record("\($0) is left") }
        }
    }

    @Test func `a store that is away is an error that says so`() async throws {
        try await withEngine { engine in
            let server = try ScriptedServer { _, _ in }
            let port = server.port
            server.stop()
            let vault = S3Vault(try storeConfiguration(port: port, bucket: "bucket"), prefix: "", engine: engine)
            await #expect {
                try await vault.check()
            } throws: { error in
                guard case .system("write", let path, let reason) = error as? VaultError else { return false }
                return path.hasPrefix("s3://bucket/probe-") && reason.contains("127.0.0.1")
            }
            #expect(throws: VaultError.self) {
                try vault.readBack(String(repeating: "a", count: 32), offset: 0, length: 1)
            }
        }
    }
}
