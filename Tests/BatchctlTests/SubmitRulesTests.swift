// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchClient
import Foundation
import Testing

@testable import batchctl

struct SubmitRulesTests {
    @Test func `labels keep their order, and values may hold equals signs`() throws {
        #expect(
            try SubmitRules.labels(["b=1=2", "a="], name: "n") == [
                .init("b", "1=2"), .init("a", ""), .init("ds_name", "n"),
            ])
    }

    @Test func `labels beyond the limits are refused`() {
        #expect(throws: ValidationError.self) { try SubmitRules.labels((0...16).map { "k\($0)=v" }, name: nil) }
        #expect(throws: ValidationError.self) { try SubmitRules.labels(["=v"], name: nil) }
        #expect(throws: ValidationError.self) { try SubmitRules.labels(["ds_name=v"], name: "n") }
        let long = String(repeating: "x", count: 65)
        #expect(throws: ValidationError.self) { try SubmitRules.labels(["\(long)=v"], name: nil) }
    }

    @Test(
        arguments: [
            ("s3://bucket/key", nil, nil), ("https://a.example/x?y=1", "s3://bucket/", nil),
            ("oss:cn-beijing:bucket/key", "https://a.example/o", "https://a.example/e"), (nil, "s3://bucket/a/", nil),
        ] as [(String?, String?, String?)])
    func `files elsewhere are objects, and results go under a prefix or to a URL`(
        input: String?, output: String?, errors: String?
    ) throws {
        try SubmitRules.checkAddresses(input: input, output: output, errorsOutput: errors)
        #expect([input, output, errors].allSatisfy { $0.map(SubmitRules.isAddress) ?? true })
    }

    @Test(
        arguments: [
            ("s3://bucket/dir/", nil, nil), ("s3://B/key", nil, nil), ("https://", nil, nil),
            (nil, "s3://bucket/key", nil), (nil, nil, "s3://bucket/e/"),
        ] as [(String?, String?, String?)])
    func `other addresses are refused before anything is sent`(input: String?, output: String?, errors: String?) {
        #expect(throws: ValidationError.self) {
            try SubmitRules.checkAddresses(input: input, output: output, errorsOutput: errors)
        }
        #expect(!SubmitRules.isAddress("./s3/file.jsonl") && !SubmitRules.isAddress("s3.jsonl"))
    }

    @Test func `the endpoint is the option's or the first line's, and they must agree`() throws {
        let line = FirstLine.names("/v1/embeddings", line: 2)
        #expect(try SubmitRules.endpoint(option: nil, firstLine: line, path: "a") == "/v1/embeddings")
        #expect(try SubmitRules.endpoint(option: "/v1/embeddings", firstLine: line, path: "a") == "/v1/embeddings")
        #expect(
            throws: ClientError.localFile(
                "line 2 of a names /v1/embeddings, but --endpoint is /v1/x: all lines must name the endpoint, "
                    + "unless that is \"*\"")
        ) { try SubmitRules.endpoint(option: "/v1/x", firstLine: line, path: "a") }
        let none = FirstLine.namesNothing(line: 1, why: "has no \"url\"")
        #expect(try SubmitRules.endpoint(option: "/v1/x", firstLine: none, path: "a") == "/v1/x")
        #expect(throws: ClientError.self) { try SubmitRules.endpoint(option: nil, firstLine: none, path: "a") }
        #expect(throws: ClientError.self) {
            try SubmitRules.endpoint(option: "/v1/x", firstLine: .isMissing(why: "holds blank lines only"), path: "a")
        }
    }

    @Test(arguments: [
        ("{\"url\":\"/v1/embeddings\"}", FirstLine.names("/v1/embeddings", line: 1)),
        ("\u{FEFF}\n \r\n{\"a\":{\"url\":1},\"u\\u0072l\":\"\\/v1\\/x\"}\r\n[]\n", .names("/v1/x", line: 3)),
        ("[]\n", .namesNothing(line: 1, why: "is not a JSON object")),
        ("{\"url\"\n", .namesNothing(line: 1, why: "is not valid JSON")),
        ("{}\n", .namesNothing(line: 1, why: "has no \"url\"")),
        ("{\"url\":\"x\"}", .namesNothing(line: 1, why: "has a \"url\" that is no path such as /v1/chat/completions")),
        ("\n\n", .isMissing(why: "holds blank lines only")),
        ("PK\u{3}\u{4}zip", .isMissing(why: "is a zip archive or a spreadsheet, not JSON lines")),
    ])
    func `the first request line tells its path`(content: String, expected: FirstLine) throws {
        let file = TemporaryFile(content)
        #expect(try FirstLine.read(file.path, lineBytesMax: 1_000) == expected)
    }

    @Test func `a file whose lines name several paths is noticed, whatever else is wrong with it`() throws {
        let same = TemporaryFile("{\"url\":\"/v1/x\"}\n\n{}\n[]\n{\"url\":\"\\/v1\\/x\"}\n{\"url\":7}")
        #expect(try FirstLine.other(than: "/v1/x", in: same.path, lineBytesMax: 1_000) == nil)
        let mixed = TemporaryFile("{\"url\":\"/v1/x\"}\n{\"url\":\"/v1/y\"}\n{\"url\":\"/v1/z\"}")
        let other = try FirstLine.other(than: "/v1/x", in: mixed.path, lineBytesMax: 1_000)
        #expect(other?.url == "/v1/y" && other?.line == 2)
        #expect(SubmitRules.notice("/v1/x", ("/v1/y", 2), path: "f").contains("/v1/y"))
    }

    @Test(arguments: ["/v1/x", "*"]) func `an endpoint is a path or a star`(endpoint: String) throws {
        try SubmitRules.checkEndpoint(endpoint)
        let line = FirstLine.names("/v1/x", line: 1)
        #expect(try SubmitRules.endpoint(option: endpoint, firstLine: line, path: "a") == endpoint)
        #expect(throws: (any Error).self) { try SubmitRules.checkEndpoint("v1" + endpoint) }
    }

    @Test func `a file that cannot be opened is an error and nothing worse`() {
        for _ in 0..<100 { #expect(throws: ClientError.self) { try FileReader("/no/such/file") } }
    }

    @Test func `a first line beyond the limit is not read to its end`() throws {
        let file = TemporaryFile(String(repeating: " ", count: 2_000) + "{\"url\":\"/v1/x\"}")
        #expect(try FirstLine.read(file.path, lineBytesMax: 1_000) == .namesNothing(line: 1, why: "is too long"))
    }
}

/// A file that is gone with its last reference.
final class TemporaryFile: Sendable {
    /// Where it is.
    let path: String

    /// A file with this content.
    init(_ content: String) {
        path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        _ = FileManager.default.createFile(atPath: path, contents: Data(content.utf8))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
