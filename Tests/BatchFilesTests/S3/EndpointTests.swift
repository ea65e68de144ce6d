// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Testing

@Suite struct EndpointTests {
    private func url(_ endpoint: S3Endpoint, key: String) throws -> String {
        let engine = CurlEngine(EngineConfiguration())
        let client = S3Client(
            S3Configuration(
                endpoint: endpoint, bucket: "bucket", credentials: S3Credentials(accessKey: "a", secretKey: "s")),
            engine: engine)
        return String(client.presignedURL("GET", key, validFor: 60).prefix { $0 != "?" })
    }

    @Test func `the bucket stands in the path or before the host, as the store wants it`() throws {
        let path = try S3Endpoint(url: "http://127.0.0.1:9000/", region: "us-east-1", usesPathStyle: true)
        #expect(try url(path, key: "a b/c+d/../é") == "http://127.0.0.1:9000/bucket/a%20b/c%2Bd/../%C3%A9")
        let host = try S3Endpoint(url: "https://Store.example.com:443", region: "us-east-1", usesPathStyle: false)
        #expect(try url(host, key: "k//x") == "https://bucket.store.example.com/k//x")
        let six = try S3Endpoint(url: "http://[::1]:80", region: "us-east-1", usesPathStyle: true)
        #expect(try url(six, key: "k") == "http://[::1]/bucket/k")
    }

    @Test(arguments: [
        (ObjectStoreKind.s3, "eu-central-1", "https://bucket.s3.eu-central-1.amazonaws.com/k"),
        (.s3, "cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn/k"),
        (.oss, "cn-beijing", "https://bucket.s3.oss-cn-beijing.aliyuncs.com/k"),
        (.tos, "cn-beijing", "https://bucket.tos-s3-cn-beijing.volces.com/k"),
    ])
    func `every vendor has its own hosts`(store: ObjectStoreKind, region: String, expected: String) throws {
        #expect(try url(try S3Endpoint(store, region: region), key: "k") == expected)
    }

    @Test(arguments: [
        ("store.example.com", "us-east-1", S3EndpointProblem.url(.scheme)),
        ("https://user@store.example.com", "us-east-1", .url(.credentials)),
        ("https://store.example.com/bucket", "us-east-1", .path),
        ("https://store.example.com?x", "us-east-1", .path),
        ("https://store.example.com", "", .region("")),
        ("https://store.example.com", "US East", .region("US East")),
        ("http://127.0.0.1:9000", "us-east-1", .virtualHostOfAddress("127.0.0.1")),
    ])
    func `a store that cannot be there is refused for a reason`(
        url: String, region: String, problem: S3EndpointProblem
    ) {
        #expect(throws: problem) { try S3Endpoint(url: url, region: region, usesPathStyle: false) }
        #expect(!problem.message.isEmpty)
    }
}
