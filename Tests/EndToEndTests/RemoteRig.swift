// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import Foundation
import ServerTesting
import StorageTesting

/// A bucket of the real store, and what tests do there beside the daemon.
struct RemoteRig {
    let engine: CurlEngine
    let client: S3Client

    var bucket: String { client.configuration.bucket }

    /// Runs a test with a fresh bucket.
    static func run(_ body: (RemoteRig, Scratch) async throws -> Void) async throws {
        let engine = CurlEngine(EngineConfiguration())
        do {
            let rig = RemoteRig(engine: engine, client: try client(engine, bucket: PrivateStore.freshBucket()))
            try await rig.client.createBucket()
            try await withScratch { try await body(rig, $0) }
        } catch {
            await engine.shutdown()
            throw error
        }
        await engine.shutdown()
    }

    static func client(_ engine: CurlEngine, bucket: String, clock: StoreClock = StoreClock()) throws -> S3Client {
        S3Client(
            S3Configuration(
                endpoint: try S3Endpoint(
                    url: PrivateStore.shared().url, region: PrivateStore.region, usesPathStyle: true),
                bucket: bucket,
                credentials: S3Credentials(accessKey: PrivateStore.accessKey, secretKey: PrivateStore.secretKey)),
            engine: engine, clock: clock)
    }

    func put(_ key: String, _ bytes: [UInt8]) async throws { try await client.put(key, SharedBytes(bytes)) }

    func bytes(_ key: String) async throws -> [UInt8] {
        let download = try await client.get(key)
        var bytes: [UInt8] = []
        while let piece = try await download.next() { bytes += piece }
        return bytes
    }

    func keys(_ prefix: String = "") async throws -> [String] {
        var keys: [String] = []
        try await client.forEachObject(prefix: prefix) { keys.append($0.key) }
        return keys.sorted()
    }

    /// An entry of `object_stores`.
    func entry(
        _ name: String, buckets: String, projects: String, secret: String = PrivateStore.secretKey,
        endpoint: String? = nil
    ) throws -> String {
        """
          - name: \(name)
            type: s3
            endpoint: \(try endpoint ?? PrivateStore.shared().url)
            region: \(PrivateStore.region)
            access_key: "\(PrivateStore.accessKey)"
            secret_key: \(secret)
            buckets: [\(buckets)]
            projects: [\(projects)]

        """
    }

    /// Arguments of a daemon with these stores: quick attempts, and loopback may be reached.
    func arguments(_ scratch: Scratch, stores: [String] = [], more: [String] = []) throws -> [String] {
        let file = try scratch.write(
            stores.isEmpty ? "{}\n" : "object_stores:\n\(stores.joined())", to: "config-\(UUID().uuidString).yaml")
        let settings =
            ["outbound.allow=127.0.0.1", "remote.input_attempts_max=2", "remote.request_tries_max=2"] + more
        return ["--config", file] + settings.flatMap { ["--set", $0] }
    }

    /// Lines for the built-in model.
    static func lines(_ count: Int, padding: Int = 0) -> [UInt8] {
        let text = String(repeating: "x", count: padding)
        return (0..<count).flatMap { number in
            Array(
                (#"{"custom_id":"id-\#(number)","method":"POST","url":"/v1/chat/ds-test","body":"#
                    + #"{"model":"batch-test-model","messages":[{"role":"user","content":"\#(text)"}]}}"# + "\n").utf8)
        }
    }
}

/// A batch with what it says about files elsewhere.
struct RemoteView: Decodable, Sendable {
    struct Place: Decodable, Sendable { let url: String }
    struct Output: Decodable, Sendable {
        let url: String
        let errors_url: String?
        let status: String
        let error: String?
        let objects: [String]
    }
    struct Extension: Decodable, Sendable {
        let input: Place?
        let output: Output?
    }

    let id: String
    let status: String
    let input_file_id: String
    let output_file_id: String?
    let error_file_id: String?
    let errors: BatchView.Problems?
    let shardline: Extension

    var isTerminal: Bool { ["completed", "failed", "expired", "cancelled"].contains(status) }
}

extension ServerAddress {
    /// Asks for a batch; `fields` are members of the request's JSON object.
    func createRemote(_ fields: String, endpoint: String = "/v1/chat/ds-test") async throws -> WireAnswer {
        try await post(
            "/v1/batches", json: #"{"endpoint":"\#(endpoint)","completion_window":"24h",\#(fields)}"#)
    }

    /// Makes a batch and waits for its end.
    func runRemote(_ fields: String, endpoint: String = "/v1/chat/ds-test") async throws -> RemoteView {
        let answer = try await createRemote(fields, endpoint: endpoint)
        guard answer.status == 200 else { throw HarnessError("HTTP \(answer.status): \(answer.text)") }
        return try await remoteEnd(of: answer.decode(RemoteView.self).id)
    }

    func remote(_ id: String) async throws -> RemoteView {
        try await get("/v1/batches/\(id)").decode(RemoteView.self)
    }

    func remoteEnd(of id: String) async throws -> RemoteView {
        try await eventually("end of \(id)", within: .seconds(120)) {
            let batch = try await remote(id)
            return batch.isTerminal ? batch : nil
        }
    }
}
