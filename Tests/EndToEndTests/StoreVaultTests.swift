// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import ServerTesting
import StorageTesting
import Testing

extension EndToEndTests {
    /// Files in a bucket of a real store instead of a directory.
    @Suite struct StoreVaultTests {
        private func bucket(_ engine: CurlEngine) async throws -> S3Client {
            let endpoint = try S3Endpoint(
                url: PrivateStore.shared().url, region: PrivateStore.region, usesPathStyle: true)
            let client = S3Client(
                S3Configuration(
                    endpoint: endpoint, bucket: PrivateStore.freshBucket(),
                    credentials: S3Credentials(
                        accessKey: PrivateStore.accessKey, secretKey: PrivateStore.secretKey)),
                engine: engine)
            try await client.createBucket()
            return client
        }

        private func environment(_ bucket: String, secret: String = PrivateStore.secretKey) throws -> [String: String] {
            [
                "SHARDLINE_VAULT_S3_ENDPOINT": try PrivateStore.shared().url, "SHARDLINE_VAULT_S3_BUCKET": bucket,
                "SHARDLINE_VAULT_S3_PREFIX": "shardline/", "SHARDLINE_VAULT_S3_ACCESS_KEY": PrivateStore.accessKey,
                "SHARDLINE_VAULT_S3_SECRET_KEY": secret,
            ]
        }

        @Test func `a batch runs from file to results with its files in a bucket, and large files pass through`()
            async throws
        {
            let engine = CurlEngine(EngineConfiguration())
            let client = try await bucket(engine)
            try await withScratch { scratch in
                let standalone = try await Standalone.start(
                    in: scratch, environment: try environment(client.configuration.bucket))
                var file = BatchFile()
                // Larger than two parts of an upload, so that files are written in parts and read in ranges.
                for number in 0..<3_000 {
                    let text = String(repeating: "x", count: 6_000)
                    let body = #"{"model":"batch-test-model","messages":[{"role":"user","content":"\#(text)"}]}"#
                    file.add(
                        line: #"{"custom_id":"id-\#(number)","method":"POST","url":"/v1/chat/ds-test","body":\#(body)}"#
                    )
                }
                let id = try await standalone.server.submit(file.bytes, endpoint: "/v1/chat/ds-test").id
                let batch = try await standalone.server.end(of: id)
                let check = try await ResultCheck.run(batch, input: file.bytes, from: standalone.server, in: scratch)
                #expect(check.completed == 3_000)
                var objects: [S3Object] = []
                try await client.forEachObject(prefix: "") { objects.append($0) }
                // What was sent, the results, and where each result came from.
                #expect(objects.count == 3)
                #expect(objects.allSatisfy { $0.key.hasPrefix("shardline/blobs/") })
                #expect(objects.contains { $0.bytes == Int64(file.bytes.count) })
                #expect(!FileManager.default.fileExists(atPath: scratch.path("data/vault/blobs")))
                #expect(try await standalone.process.stop() == .exited(0))
            }
            await engine.shutdown()
        }

        @Test func `the check of a bucket says what works, and with a wrong key what does not`() async throws {
            let engine = CurlEngine(EngineConfiguration())
            let name = try await bucket(engine).configuration.bucket
            try await withScratch { scratch in
                for (secret, expected) in [
                    (PrivateStore.secretKey, "ok    vault: writable at s3://\(name)/shardline/\n"),
                    ("wrong", "SignatureDoesNotMatch (403)"),
                ] {
                    let process = try ChildProcess(
                        Products.program("batchd"), ["check", "--data-dir", scratch.path("none")],
                        environment: try environment(name, secret: secret), name: "check", in: scratch)
                    _ = try await process.end()
                    #expect((process.output + process.errors).contains(expected), "\(process.output)")
                }
            }
            await engine.shutdown()
        }
    }
}
