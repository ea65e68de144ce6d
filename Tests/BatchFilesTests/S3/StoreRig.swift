// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Curl
import StorageTesting

/// A bucket of one test's own in a real store.
struct StoreRig {
    /// Reaches the bucket; parts are small, and failures cost no time.
    let configuration: S3Configuration
    /// Sends everything.
    let engine: CurlEngine
    /// Talks to the bucket.
    let client: S3Client
}

/// A configuration for tests: parts of 256 KiB, pauses of a millisecond.
func storeConfiguration(
    port: UInt16, bucket: String, accessKey: String = PrivateStore.accessKey,
    secretKey: String = PrivateStore.secretKey, timeouts: Timeouts = Timeouts(idle: .seconds(30))
) throws -> S3Configuration {
    S3Configuration(
        endpoint: try S3Endpoint(
            url: "http://127.0.0.1:\(port)", region: PrivateStore.region, usesPathStyle: true),
        bucket: bucket, credentials: S3Credentials(accessKey: accessKey, secretKey: secretKey), timeouts: timeouts,
        retries: RetryRule(attemptsMax: 4, pauseFirst: .milliseconds(1), pauseMax: .milliseconds(2)),
        partBytes: 256 << 10)
}

/// Runs a test with an engine of its own.
func withEngine(_ body: (CurlEngine) async throws -> Void) async throws {
    let engine = CurlEngine(EngineConfiguration())
    do {
        try await body(engine)
    } catch {
        await engine.shutdown()
        throw error
    }
    await engine.shutdown()
}

/// Runs a test with an empty bucket.
func withStore(_ body: (StoreRig) async throws -> Void) async throws {
    let store = try PrivateStore.shared()
    try await withEngine { engine in
        let configuration = try storeConfiguration(port: store.port, bucket: PrivateStore.freshBucket())
        let client = S3Client(configuration, engine: engine)
        try await client.createBucket()
        try await body(StoreRig(configuration: configuration, engine: engine, client: client))
    }
}
