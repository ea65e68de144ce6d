// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Foundation
import StorageTesting
import Testing

/// Results written to a real store.
@Suite struct RemoteWriteTests {
    @Test func `a large file is written whole, and what a killed attempt left of it is removed`() async throws {
        try await withStore { store in
            let folder = FileManager.default.temporaryDirectory.appending(path: "remote-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let vault = try DirectoryVault(path: folder + "/vault")
            let sent = (0..<18_000_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) }
            let writer = try await vault.begin()
            try sent.withUnsafeBytes { try writer.append($0) }
            let blob = try await writer.seal()
            let file = NewFile(
                id: .random(), project: .random(), purpose: .batchOutput, filename: "f", bytes: blob.bytes,
                sha256: blob.sha256, vaultKey: blob.vaultKey, expiresAfterSeconds: nil)

            let bucket = store.configuration.bucket
            let area = try #require(ServerStore.Area(bucket))
            let access = StoreAccess(
                name: "s", kind: .s3, endpoint: try PrivateStore.shared().url, region: PrivateStore.region,
                usesPathStyle: true,
                credentials: S3Credentials(accessKey: PrivateStore.accessKey, secretKey: PrivateStore.secretKey))
            let stores = RemoteStores(
                servers: [ServerStore(access: access, projects: ["p"], areas: [area])], engine: store.engine)
            let object = try stores.open(try ObjectAddress("s3://\(bucket)/out/a b.jsonl"), project: "p", own: [])
            _ = try await store.client.createUpload("out/a b.jsonl")
            _ = try await store.client.createUpload("out/a b.jsonl.of-somebody-else")
            try await object.write(file, of: vault, isRepeat: true, spoolDirectory: folder)
            #expect(try await store.client.head("out/a b.jsonl").bytes == Int64(sent.count))
            var pending: [String] = []
            try await store.client.forEachUpload(prefix: "out/") { pending.append($0.key) }
            #expect(pending == ["out/a b.jsonl.of-somebody-else"])
            // And back, as an input.
            let back = try await object.fetch(into: vault, bytesMax: blob.bytes)
            #expect(back.sha256 == blob.sha256 && back.bytes == blob.bytes)
            await #expect(throws: RemoteFault.self) { try await object.fetch(into: vault, bytesMax: blob.bytes - 1) }
        }
    }
}
