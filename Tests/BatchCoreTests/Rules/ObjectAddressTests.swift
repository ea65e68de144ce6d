// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Testing

@Suite struct ObjectAddressTests {
    @Test(
        arguments: [
            ("s3://bucket/key", ObjectStoreKind.s3, nil, "bucket", "key"),
            ("s3://my.bucket-1/a/b c/ü%20+?#", .s3, nil, "my.bucket-1", "a/b c/ü%20+?#"),
            ("S3://bucket/results/", .s3, nil, "bucket", "results/"),
            ("s3://bucket", .s3, nil, "bucket", ""),
            ("s3://bucket//two", .s3, nil, "bucket", "/two"),
            ("s3://bucket/../x/./y", .s3, nil, "bucket", "../x/./y"),
            ("oss://bucket/in.jsonl", .oss, nil, "bucket", "in.jsonl"),
            ("oss:cn-beijing:bucket/dir/in:1.jsonl", .oss, "cn-beijing", "bucket", "dir/in:1.jsonl"),
            ("oss:oss-cn-beijing:bucket/k", .oss, "cn-beijing", "bucket", "k"),
            ("tos://bucket/k", .tos, nil, "bucket", "k"),
        ] as [(String, ObjectStoreKind, String?, String, String)])
    func `an address of a store says store, region, bucket and key, taken literally`(
        text: String, store: ObjectStoreKind, region: String?, bucket: String, key: String
    ) throws {
        guard case .object(let object) = try ObjectAddress(text) else {
            Issue.record("\(text) is no object")
            return
        }
        #expect(object.store == store)
        #expect(object.region == region)
        #expect(object.bucket == bucket)
        #expect(object.key == key)
        #expect(object.isPrefix == (key.isEmpty || key.hasSuffix("/")))
        #expect(try ObjectAddress(object.description) == .object(object))
    }

    @Test func `a slash before a combining mark still ends the bucket`() throws {
        guard case .object(let object) = try ObjectAddress("s3://bucket/\u{301}x") else { return }
        #expect(object.bucket == "bucket")
        #expect(object.key == "\u{301}x")
    }

    @Test func `a presigned URL stays as it is, and is shown without its permission`() throws {
        let text = "https://bucket.example.com/a%2Fb?X-Amz-Signature=abc&x"
        let address = try ObjectAddress(text)
        #expect(address == .url(try OutboundURL(text)))
        #expect(address.description == "https://bucket.example.com/a%2Fb")
    }

    @Test(arguments: [
        ("", ObjectAddressProblem.empty),
        ("bucket/key", .scheme("")),
        ("gs://bucket/key", .scheme("gs")),
        ("s3:bucket/key", .form(.s3)),
        ("s3:us-east-1:bucket/key", .form(.s3)),
        ("tos:bucket/key", .form(.tos)),
        ("oss:bucket/key", .form(.oss)),
        ("oss:Cn:bucket/key", .region("Cn")),
        ("oss:evil.example/x:bucket/key", .region("evil.example/x")),
        ("oss::bucket/key", .region("")),
        ("s3:///key", .noBucket),
        ("s3://ab/key", .bucket("ab")),
        ("s3://Bucket/key", .bucket("Bucket")),
        ("s3://-bucket/key", .bucket("-bucket")),
        ("s3://buc..ket/key", .bucket("buc..ket")),
        ("s3://user@bucket/key", .bucket("user@bucket")),
        ("s3://bucket:80/key", .bucket("bucket:80")),
        ("s3://bucket/a\nb", .keyCharacter),
        ("s3://bucket/" + String(repeating: "k", count: 1_025), .keyTooLong(bytes: 1_025)),
        ("https://user:secret@host/x", .url(.credentials)),
        ("http://", .url(.noHost)),
    ])
    func `what is no address is refused for a reason`(text: String, problem: ObjectAddressProblem) {
        #expect(throws: problem) { try ObjectAddress(text) }
    }

    @Test(arguments: [
        ("https://a.example/b?X-Amz-Signature=1", "https://a.example/b?(hidden)"),
        ("HTTP://a.example/b?", "HTTP://a.example/b?(hidden)"), ("https://a.example/b", "https://a.example/b"),
        ("s3://bucket/what?", "s3://bucket/what?"), ("oss:cn-beijing:bucket/a?b", "oss:cn-beijing:bucket/a?b"),
    ])
    func `the query of a URL is shown to nobody`(text: String, shown: String) {
        #expect(ObjectAddress.shown(text) == shown)
    }

    @Test func `the reasons tell the way out`() {
        #expect(ObjectAddressProblem.scheme("").message.contains("s3://bucket/key"))
        #expect(
            ObjectAddressProblem.form(.s3).message == "is written s3://bucket/key, with two slashes after the colon")
        #expect(ObjectAddressProblem.bucket("A").message.contains("3 to 63 small letters"))
    }
}
