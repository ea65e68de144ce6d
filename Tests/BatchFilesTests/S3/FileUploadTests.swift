// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import HTTPTesting
import StorageTesting
import Synchronization
import Testing

@Suite struct FileUploadTests {
    private func withFile(_ size: Int, _ body: (String, [UInt8]) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "shardline-upload-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 2) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try await body(path, bytes)
    }

    private func read(_ download: ObjectDownload) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await download.next() { bytes += piece }
        return bytes
    }

    @Test(arguments: [0, 1, 262_144, 262_145, 1_000_000])
    func `a local file arrives whole, whatever its size`(size: Int) async throws {
        try await withStore { store in
            try await withFile(size) { path, bytes in
                let sent = try await store.client.uploadFile(at: path, to: "dir/file")
                #expect(sent == Int64(size))
                #expect(try await read(store.client.get("dir/file")) == bytes)
            }
        }
    }

    @Test func `an upload that broke off is resumed, and what the store has is not sent again`() async throws {
        try await withStore { store in
            try await withFile(2_000_000) { path, bytes in
                let proxy = try FaultProxy(to: try PrivateStore.shared().port) { number in
                    // About three parts pass, then nothing does.
                    .cutRequest(after: number == 1 ? 900_000 : 0)
                }
                defer { proxy.stop() }
                var configuration = try storeConfiguration(port: proxy.port, bucket: store.configuration.bucket)
                configuration.partsInFlightMax = 1
                let broken = S3Client(configuration, engine: store.engine)
                let upload = Mutex("")
                await #expect(throws: S3Error.self) {
                    try await broken.uploadFile(at: path, to: "file") { id in upload.withLock { $0 = id } }
                }
                let id = upload.withLock { $0 }
                let known = try await store.client.listParts("file", upload: id).reduce(0) { $0 + $1.bytes }
                #expect(known == 3 * 262_144)
                await #expect { try await store.client.head("file") } throws: {
                    ($0 as? S3Error)?.isMissingObject == true
                }
                let sent = try await store.client.uploadFile(at: path, to: "file", resuming: id)
                #expect(sent == 2_000_000 - known)
                #expect(try await read(store.client.get("file")) == bytes)
            }
        }
    }

    @Test func `parts of another file are replaced, and an upload that is gone is begun anew`() async throws {
        try await withStore { store in
            try await withFile(600_000) { path, bytes in
                let upload = try await store.client.createUpload("file")
                let other = [UInt8](repeating: 1, count: 262_144)
                _ = try await store.client.uploadPart("file", upload: upload, number: 1, SharedBytes(other))
                #expect(try await store.client.uploadFile(at: path, to: "file", resuming: upload) == 600_000)
                #expect(try await read(store.client.get("file")) == bytes)
                #expect(try await store.client.uploadFile(at: path, to: "again", resuming: upload) == 600_000)
                #expect(try await read(store.client.get("again")) == bytes)
            }
        }
    }
}
