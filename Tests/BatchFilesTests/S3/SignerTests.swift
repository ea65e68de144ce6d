// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Testing

/// The examples that Amazon publishes for Signature Version 4, and values computed with another program.
@Suite struct SignerTests {
    private static let host = "examplebucket.s3.amazonaws.com"
    /// 2013-05-24T00:00:00Z
    private static let moment: Int64 = 1_369_353_600
    private let signer = S3Signer(
        credentials: S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1")

    private func authorization(_ fields: [(name: String, value: String)]) -> String? {
        fields.first { $0.name == "Authorization" }?.value
    }

    @Test(
        arguments: [
            (
                S3Signer.Request(method: "GET", host: host, path: "/test.txt", headers: [("Range", "bytes=0-9")]),
                S3Signer.Payload.empty, "host;range;x-amz-content-sha256;x-amz-date",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                S3Signer.Request(
                    method: "PUT", host: host, path: "/test%24file.text",
                    headers: [
                        ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                    ]),
                .hash(Array("Welcome to Amazon S3.".utf8)),
                "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                S3Signer.Request(method: "GET", host: host, path: "/", query: [("lifecycle", "")]), .empty,
                "host;x-amz-content-sha256;x-amz-date",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                S3Signer.Request(method: "GET", host: host, path: "/", query: [("prefix", "J"), ("max-keys", "2")]),
                .empty,
                "host;x-amz-content-sha256;x-amz-date",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(S3Signer.Request, S3Signer.Payload, String, String)])
    func `the published examples get the published signatures`(
        request: S3Signer.Request, payload: S3Signer.Payload, names: String, signature: String
    ) {
        let fields = signer.headers(for: request, payload: payload, unixSeconds: Self.moment)
        #expect(
            authorization(fields)
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=\(names), Signature=\(signature)")
    }

    @Test func `the published example of a presigned URL gets the published signature`() {
        let request = S3Signer.Request(method: "GET", host: Self.host, path: "/test.txt")
        #expect(
            signer.presignedQuery(for: request, validFor: 86_400, unixSeconds: Self.moment)
                == "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
                + "%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    /// Computed with Python's hmac from the same inputs.
    @Test func `tokens, names that begin alike, odd queries and odd keys are signed as another program signs them`() {
        let signer = S3Signer(
            credentials: S3Credentials(
                accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                sessionToken: "tok/en+with==signs"),
            region: "cn-beijing")
        var request = S3Signer.Request(
            method: "GET", host: "store.example.com:9000",
            path: "/bucket/dir//../a%20b/%C3%BC%2B%3D%40%24%26%3A%27%28%29%2A%21~%5B1%5D%23%3F%2520.jsonl",
            query: [("uploadId", "a/b+c=="), ("partNumber", "2"), ("uploads", "")],
            headers: [("x-amz-meta-a-b", "x"), ("X-Amz-Meta-A", " two   words "), ("Range", "bytes=0-9")])
        let fields = signer.headers(for: request, payload: .unsigned, unixSeconds: 1_795_257_000)
        #expect(
            authorization(fields)?.hasSuffix(
                "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-a-b;"
                    + "x-amz-security-token, "
                    + "Signature=a778c03e0ff58a1146717be7ef6bf59230459753f6280e0a01dd6a63c186072f") == true)
        #expect(fields.contains { $0 == ("x-amz-security-token", "tok/en+with==signs") })
        #expect(request.encodedQuery == "?partNumber=2&uploadId=a%2Fb%2Bc%3D%3D&uploads=")
        request.query = []
        request.method = "PUT"
        request.headers = []
        let query = signer.presignedQuery(for: request, validFor: 3_600, unixSeconds: 1_795_257_000)
        #expect(
            query.hasSuffix("&X-Amz-Signature=1f7ec748d345a3d54007e48b590a5df40859982fa330acbd96a54c57cfb62462"))
        #expect(query.contains("&X-Amz-Security-Token=tok%2Fen%2Bwith%3D%3Dsigns&"))
    }

    @Test(arguments: [(0, "1"), (-5, "1"), (604_800, "604800"), (604_801, "604800")])
    func `a presigned URL lives between a second and a week`(seconds: Int, written: String) {
        let request = S3Signer.Request(method: "GET", host: Self.host, path: "/x")
        let query = signer.presignedQuery(for: request, validFor: seconds, unixSeconds: Self.moment)
        #expect(query.contains("&X-Amz-Expires=\(written)&"))
    }

    @Test(
        arguments: [
            (0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (951_868_799, "20000229T235959Z"),
            (1_709_164_800, "20240229T000000Z"), (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] as [(Int64, String)])
    func `instants are written in the calendar's days`(seconds: Int64, written: String) {
        let request = S3Signer.Request(method: "GET", host: Self.host, path: "/x")
        let fields = signer.headers(for: request, payload: .empty, unixSeconds: seconds)
        #expect(fields.first { $0.name == "x-amz-date" }?.value == written)
    }

    @Test func `credentials are described without their secrets`() {
        let credentials = S3Credentials(accessKey: "AKID", secretKey: "hush", sessionToken: "mum")
        #expect("\(credentials)" == "AKID (secret hidden, with a token)")
        #expect(!String(reflecting: credentials).contains("hush"))
        #expect(!String(reflecting: [credentials]).contains("mum"))
    }
}
