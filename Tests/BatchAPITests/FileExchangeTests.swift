// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchFiles
import Foundation
import Testing

@testable import BatchAPI

/// Bytes that no multipart delimiter can be taken for, of any length.
func sample(_ count: Int) -> [UInt8] {
    var random = SplitMix(seed: UInt64(count))
    return (0..<count / 8).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
}

@Suite struct `Files over the wire` {
    @Test func `come back byte for byte, whichever way they were sent`() async throws {
        let desk = try await RunningDesk.start()
        let content = sample(3 << 20)
        let file = (name: "file", filename: Optional("文件 \\\"1\\\".jsonl"), content: content)
        let purpose = (name: "purpose", filename: String?.none, content: Array("batch".utf8))
        for (number, parts) in [[file, purpose], [purpose, file]].enumerated() {
            let form = Form(parts)
            var headers = [form.header]
            var body: [UInt8]? = form.body
            if number == 0 {
                headers.append("Transfer-Encoding: chunked")
                body = nil
            }
            let connection = try await RawConnection(port: desk.port)
            try await connection.send(desk.request("POST", "/v1/files", headers: headers, body: body))
            if number == 0 {
                for start in stride(from: 0, to: form.body.count, by: 100_003) {
                    let piece = form.body[start..<min(start + 100_003, form.body.count)]
                    try await connection.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [13, 10])
                }
                try await connection.send("0\r\n\r\n")
            }
            let made = try await connection.receive()
            #expect(made.status == 200, "\(made.bodyText)")
            #expect(made.object["filename"] as? String == "文件 \"1\".jsonl")
            #expect(made.object["bytes"] as? Int == content.count)
            #expect(made.text("status") == "processed" && made.text("purpose") == "batch")
            let created = try #require(made.object["created_at"] as? Int)
            #expect(made.object["expires_at"] as? Int == created + 30 * 86_400)
            let id = try #require(made.text("id"))
            let got = try await desk.send("GET", "/v1/files/\(id)/content", headers: ["Accept: application/binary"])
            #expect(got.status == 200 && got.body == content)
            #expect(got["content-type"] == "application/octet-stream" && got["accept-ranges"] == "bytes")
            #expect(
                got["content-disposition"]?.hasSuffix("filename*=UTF-8''%E6%96%87%E4%BB%B6%20%221%22.jsonl") == true)
            #expect(got.hasRequestID && got["openai-version"] == "2020-10-01" && got["date"] != nil)
        }
        try await desk.stop()
    }

    @Test func `can be fetched in parts and resumed`() async throws {
        let desk = try await RunningDesk.start()
        let content = sample(1_000_000)
        let path = "/v1/files/\(try await desk.upload(content))/content"
        let head = try await desk.send("HEAD", path)
        #expect(head.status == 200 && head.body.isEmpty && head["content-length"] == "1000000")
        let tag = try #require(head["etag"])
        #expect(tag.wholeMatch(of: /"[0-9a-f]{64}"/) != nil)
        let rest = try await desk.send("GET", path, headers: ["Range: bytes=999990-", "If-Range: \(tag)"])
        #expect(rest.status == 206 && rest.body == Array(content.suffix(10)))
        #expect(rest["content-range"] == "bytes 999990-999999/1000000")
        let part = try await desk.send("GET", path, headers: ["Range: bytes=300000-699999"])
        #expect(part.status == 206 && part.body == Array(content[300_000..<700_000]))
        let stale = try await desk.send("GET", path, headers: ["Range: bytes=5-9", "If-Range: \"other\""])
        #expect(stale.status == 200 && stale.body == content)
        let several = try await desk.send("GET", path, headers: ["Range: bytes=0-1,4-5"])
        #expect(several.status == 200 && several.body == content)
        let beyond = try await desk.send("GET", path, headers: ["Range: bytes=1000000-"])
        #expect(beyond.status == 416 && beyond["content-range"] == "bytes */1000000" && beyond.isProperError)
        try await desk.stop()
    }

    @Test func `are listed in pages and gone once deleted`() async throws {
        let desk = try await RunningDesk.start()
        var ids: [String] = []
        for number in 0..<3 { ids.append(try await desk.upload([UInt8(65 + number)])) }
        func page(_ query: String) async throws -> (ids: [String], response: RawResponse) {
            let response = try await desk.send("GET", "/v1/files\(query)")
            let data = response.object["data"] as? [[String: Any]] ?? []
            return (data.compactMap { $0["id"] as? String }, response)
        }
        let all = try await page("")
        #expect(all.ids == ids.reversed() && all.response.object["has_more"] as? Bool == false)
        let first = try await page("?limit=2&order=asc&purpose=batch")
        #expect(first.ids == Array(ids.prefix(2)) && first.response.object["has_more"] as? Bool == true)
        #expect(first.response.text("first_id") == ids[0] && first.response.text("last_id") == ids[1])
        #expect(try await page("?limit=2&order=asc&after=\(ids[1])").ids == [ids[2]])
        #expect(try await page("?purpose=vision").ids.isEmpty)
        for (query, code) in [
            ("limit=0", "integer_below_min_value"), ("limit=10001", "integer_above_max_value"),
            ("limit=x", "invalid_type"), ("order=up", "invalid_value"), ("purpose=fun", "invalid_value"),
        ] {
            let refused = try await page("?\(query)").response
            #expect(refused.status == 400 && refused.error["code"] as? String == code && refused.isProperError)
        }
        for cursor in ["file-unknown", "a%20b", "%01"] {
            let refused = try await page("?after=\(cursor)").response
            #expect(refused.status == 400 && refused.error["param"] as? String == "after")
        }
        let encoded = ids[0].replacingOccurrences(of: "-", with: "%2D")
        let deleted = try await desk.send("DELETE", "/v1/files/\(encoded)")
        #expect(deleted.bodyText == #"{"id":"\#(ids[0])","object":"file","deleted":true}"#)
        for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/content"), ("HEAD", "/content")] {
            #expect(try await desk.send(method, "/v1/files/\(ids[0])\(path)").status == 404)
        }
        try await desk.stop()
    }

    @Test func `are refused with a reason and leave nothing behind`() async throws {
        var limits = Limits()
        limits.fileBytesMax = 10_000
        let desk = try await RunningDesk.start(limits: limits)
        let file: (String, String?, [UInt8]) = ("file", "a", Array("{}".utf8))
        let purpose: (String, String?, [UInt8]) = ("purpose", nil, Array("batch".utf8))
        let big: (String, String?, [UInt8]) = ("file", "a", sample(20_000))
        let cases: [(Form, Int, String)] = [
            (Form([file]), 400, "purpose"), (Form([purpose]), 400, "file"), (Form([file, file, purpose]), 400, "file"),
            (Form([("file", "a", []), purpose]), 400, "empty"),
            (Form([file, purpose], isClosed: false), 400, "delimiter"),
            (Form([file, ("purpose", nil, Array("batch_output".utf8))]), 400, "Supported values"),
            (Form([("file", "a\0b", [65]), purpose]), 400, "control character"), (Form([big, purpose]), 413, "10000"),
            (Form(Array(repeating: ("x", nil, []), count: 2)), 400, "Unknown parameter"),
        ]
        for (form, status, text) in cases {
            let response = try await desk.send("POST", "/v1/files", headers: [form.header], body: form.body)
            #expect(response.status == status && response.isProperError, "\(text): \(response.bodyText)")
            #expect((response.error["message"] as? String ?? "").contains(text), "\(text): \(response.bodyText)")
            #expect(response["x-should-retry"] == "false")
        }
        let json = try await desk.send(
            "POST", "/v1/files", headers: ["Content-Type: application/json"], body: Array("{}".utf8))
        #expect(json.status == 400 && json.isProperError && json.bodyText.contains("multipart/form-data"))
        #expect(try desk.blobs() == (0, 0))
        try await desk.stop()
    }

    @Test func `too large are refused before they are read, and the client can read why`() async throws {
        var limits = Limits()
        limits.fileBytesMax = 1_000
        let desk = try await RunningDesk.start(limits: limits)
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "a", sample(8 << 20))])
        let announced = try await desk.send("POST", "/v1/files", headers: [form.header], body: form.body)
        #expect(announced.status == 413 && announced.isProperError && announced["connection"] == "close")
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(
            desk.request("POST", "/v1/files", headers: [form.header, "Transfer-Encoding: chunked"]))
        try await connection.send("\(String(form.body.count, radix: 16))\r\n")
        try await connection.send(form.body)
        let streamed = try await connection.receive()
        #expect(streamed.status == 413 && streamed.isProperError && streamed["connection"] == "close")
        #expect(try await connection.isClosed())
        #expect(try desk.blobs() == (0, 0))
        try await desk.stop()
    }

    @Test func `whose client waits for a go-ahead get it, but not when they are refused`() async throws {
        let desk = try await RunningDesk.start()
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "a", Array("{}".utf8))])
        let waiting = [form.header, "Expect: 100-continue", "Content-Length: \(form.body.count)"]
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("POST", "/v1/files", headers: waiting))
        #expect(try await connection.receive().status == 100)
        try await connection.send(form.body)
        #expect(try await connection.receive().status == 200)
        // The connection is still good.
        try await connection.send(desk.request("GET", "/v1/models"))
        #expect(try await connection.receive().status == 200)
        let stranger = try await RawConnection(port: desk.port)
        try await stranger.send(desk.request("POST", "/v1/files", headers: waiting, key: .of("wrong")))
        let refused = try await stranger.receive()
        #expect(refused.status == 401 && refused["connection"] == "close")
        #expect(try await stranger.isClosed())
        try await desk.stop()
    }

    @Test func `of clients that vanish leave nothing behind`() async throws {
        let desk = try await RunningDesk.start()
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "a", sample(1 << 20))])
        for framing in ["Content-Length: \(form.body.count)", "Transfer-Encoding: chunked"] {
            let connection = try await RawConnection(port: desk.port)
            try await connection.send(desk.request("POST", "/v1/files", headers: [form.header, framing]))
            let size = framing.hasPrefix("T") ? "\(String(form.body.count, radix: 16))\r\n" : ""
            try await connection.send(Array(size.utf8) + form.body.prefix(500_000))
            connection.finishSending()
            let response = try await connection.receive()
            #expect(response.status == 400 && response.isProperError, "\(response.bodyText)")
        }
        #expect(try desk.blobs() == (0, 0))
        try await desk.stop()
    }

    @Test func `beyond the places there are wait, then hear when to come back`() async throws {
        let desk = try await RunningDesk.start {
            $0.uploadsMax = 1
            $0.placeWait = .milliseconds(20)
        }
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "a", Array("{}".utf8))])
        let slow = try await RawConnection(port: desk.port)
        let waiting = [form.header, "Expect: 100-continue", "Content-Length: \(form.body.count)"]
        try await slow.send(desk.request("POST", "/v1/files", headers: waiting))
        #expect(try await slow.receive().status == 100)
        let refused = try await desk.send("POST", "/v1/files", headers: [form.header], body: form.body)
        #expect(refused.status == 503 && refused["retry-after"] == "2" && refused.isProperError)
        #expect(refused["x-should-retry"] == nil)
        try await slow.send(form.body)
        #expect(try await slow.receive().status == 200)
        #expect(try await desk.send("POST", "/v1/files", headers: [form.header], body: form.body).status == 200)
        try await desk.stop()
    }

    @Test func `whose blob is gone or short never look complete`() async throws {
        let desk = try await RunningDesk.start()
        let content = sample(4 << 20)
        let id = try await desk.upload(content)
        let blobs = try FileManager.default.subpathsOfDirectory(atPath: desk.vault.path + "/blobs")
        let blob = desk.vault.path + "/blobs/" + (try #require(blobs.first { $0.contains("/") }))
        truncate(blob, off_t(2 << 20))
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("GET", "/v1/files/\(id)/content"))
        let short = try await connection.receive()
        #expect(short.status == 200 && short["content-length"] == "\(4 << 20)")
        #expect(short.body.count <= 2 << 20 && short.body == Array(content.prefix(short.body.count)))
        #expect(await desk.log.wait(for: "the answer was cut off")?.contains("error request") == true)
        unlink(blob)
        let missing = try await desk.send("GET", "/v1/files/\(id)/content")
        #expect(missing.status == 500 && missing.isProperError)
        #expect(missing.bodyText.contains(try #require(missing["x-request-id"])))
        #expect(!missing.bodyText.contains(desk.vault.path))
        try await desk.stop()
    }
}
