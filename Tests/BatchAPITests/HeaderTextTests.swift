// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchAPI

@Suite struct `Header texts` {
    @Test(arguments: [
        ("a.jsonl", "attachment; filename=\"a.jsonl\""),
        ("two words.jsonl", "attachment; filename=\"two words.jsonl\""),
        ("文件.jsonl", "attachment; filename=\"__.jsonl\"; filename*=UTF-8''%E6%96%87%E4%BB%B6.jsonl"),
        ("a\"b.jsonl", "attachment; filename=\"a_b.jsonl\"; filename*=UTF-8''a%22b.jsonl"),
        ("../../etc/passwd", "attachment; filename=\".._.._etc_passwd\""),
        ("c:\\x", "attachment; filename=\"c:_x\""),
        ("a\r\nSet-Cookie: x", "attachment; filename=\"a_Set-Cookie: x\""),
        ("a\u{202E}lnosj.exe", "attachment; filename=\"a_lnosj.exe\""),
        ("..", "attachment; filename=\"file\""), ("", "attachment; filename=\"file\""),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ])
    func `of downloads cannot be broken by a file's name`(name: String, expected: String) {
        let header = ContentDisposition.attachment(name)
        #expect(header.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(header.replacing("__Set", with: "_Set") == expected)
    }

    @Test func `of downloads stay short whatever was sent`() {
        #expect(ContentDisposition.attachment(String(repeating: "界", count: 4_096)).utf8.count < 4_096)
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"), ("multipart/form-data; boundary=\"a b:c\"", "a b:c"),
        ("Multipart/Form-Data;charset=utf-8;BOUNDARY=abc", "abc"),
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4"),
    ])
    func `name the boundary of a form`(header: String, boundary: String) throws {
        #expect(try MultipartBoundary.find(in: header) == Array(boundary.utf8))
    }

    @Test(arguments: [
        nil, "", "application/json", "multipart/mixed; boundary=a", "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a\u{1}\"", "multipart/form-data; boundary=\"open",
        "multipart/form-data; boundary=" + String(repeating: "x", count: 71),
    ])
    func `without a usable boundary are refused helpfully`(header: String?) throws {
        let error = try #require(throws: BatchError.self) { try MultipartBoundary.find(in: header) }
        #expect(error.status == 400 && error.code == "invalid_content_type")
    }

    @Test(arguments: [
        (#"form-data; name="file"; filename="a\"b\\c.jsonl""#, #"a"b\c.jsonl"#),
        (#"form-data; name="file"; filename="C:\data\x.jsonl""#, #"C:\data\x.jsonl"#),
        (#"form-data; name=file; filename=plain.jsonl"#, "plain.jsonl"),
        (#"form-data; name="file"; filename="文件.jsonl""#, "文件.jsonl"),
        (#"form-data; name="file"; filename="x"; filename*=UTF-8''na%C3%AFve.jsonl"#, "naïve.jsonl"),
        (#"form-data; filename*=utf-8'en'%E6%96%87; name="file""#, "文"),
        (#"form-data; name="file"; filename="x"; filename*=UTF-8''%ZZ"#, "x"),
        (#"form-data; name="file"; filename="a;b=c.jsonl""#, "a;b=c.jsonl"),
    ])
    func `name files the way clients write them`(disposition: String, filename: String) throws {
        let header = try PartHeader(parsing: Array("Content-Disposition: \(disposition)\r\n\r\n".utf8), partNumber: 1)
        #expect(header.filename == filename)
        #expect(header.name == "file")
    }

    @Test func `show instants as RFC 9110 does`() {
        #expect(HTTPDate.text(unixSeconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(unixSeconds: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }
}
