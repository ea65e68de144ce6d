// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchAPI

private let valid = Array(
    """
    {"input_file_id":"file-none","endpoint":"/v1/chat/completions","completion_window":"24h",
     "metadata":{"zebra":"1","apple":"\\"2\\""}}
    """.utf8)

@Suite struct `Batches over the wire` {
    @Test func `are made with every key of the object`() async throws {
        let desk = try await RunningDesk.start()
        let made = try await desk.send("POST", "/v1/batches", body: valid)
        #expect(made.status == 200 && made["content-type"] == "application/json", "\(made.bodyText)")
        let keys = """
            id object endpoint model errors input_file_id completion_window status output_file_id error_file_id
            created_at in_progress_at expires_at finalizing_at completed_at failed_at expired_at cancelling_at
            cancelled_at
            request_counts usage metadata shardline
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(Set(made.object.keys) == Set(keys))
        #expect(made.text("status") == "validating" && made.text("object") == "batch")
        let created = try #require(made.object["created_at"] as? Int)
        #expect(made.object["expires_at"] as? Int == created + 86_400)
        #expect(made.bodyText.contains(#""metadata":{"zebra":"1","apple":"\"2\""}"#))
        let got = try await desk.send("GET", "/v1/batches/\(made.text("id") ?? "")")
        #expect(got.body == made.body)
        try await desk.stop()
    }

    @Test func `are made once when the request is repeated`() async throws {
        let desk = try await RunningDesk.start()
        func make(_ headers: [String], _ body: [UInt8] = valid) async throws -> RawResponse {
            try await desk.send("POST", "/v1/batches", headers: headers, body: body)
        }
        let first = try await make(["Idempotency-Key: k1", "Content-Type: application/json"])
        #expect(try await make(["idempotency-key: k1"]).text("id") == first.text("id"))
        let other = try await make(["Idempotency-Key: k1"], Array("\(String(decoding: valid, as: UTF8.self)) ".utf8))
        #expect(other.status == 409 && other["x-should-retry"] == "false" && other.isProperError)
        let second = try await make([])
        #expect(second.text("id") != first.text("id"))
        #expect(try await make(["x-stainless-retry-count: 0"]).text("id") != second.text("id"))
        let third = try await make([])
        #expect(try await make(["x-stainless-retry-count: 1"]).text("id") == third.text("id"))
        #expect(try await make(["Idempotency-Key: " + String(repeating: "k", count: 256)]).status == 400)
        try await desk.stop()
    }

    @Test func `are listed newest first and can be cancelled, twice`() async throws {
        let desk = try await RunningDesk.start()
        var ids: [String] = []
        for _ in 0..<3 { ids.append(try #require(try await desk.send("POST", "/v1/batches", body: valid).text("id"))) }
        let page = try await desk.send("GET", "/v1/batches?limit=2")
        let found = (page.object["data"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        #expect(found == [ids[2], ids[1]] && page.object["has_more"] as? Bool == true)
        let rest = try await desk.send("GET", "/v1/batches?limit=2&after=\(ids[1])")
        #expect(rest.text("first_id") == ids[0] && rest.object["has_more"] as? Bool == false)
        #expect(
            try await desk.send("GET", "/v1/batches?limit=101").error["code"] as? String == "integer_above_max_value")
        #expect(try await desk.send("GET", "/v1/batches?after=nothing").error["param"] as? String == "after")
        for _ in 0..<2 {
            let cancelled = try await desk.send("POST", "/v1/batches/\(ids[0])/cancel", body: [])
            #expect(cancelled.status == 200 && cancelled.text("status") == "cancelling", "\(cancelled.bodyText)")
        }
        let typed = try await desk.send(
            "POST", "/v1/batches/\(ids[1])/cancel", headers: ["Content-Type: text/plain"], body: Array("x".utf8))
        #expect(typed.status == 200)
        #expect(try await desk.send("POST", "/v1/batches/\(ids[2])/cancel").status == 200)
        for (method, path) in [("GET", "/v1/batches/batch_x"), ("POST", "/v1/batches/batch_x/cancel")] {
            let missing = try await desk.send(method, path)
            #expect(missing.status == 404 && missing.isProperError && missing["x-should-retry"] == "false")
        }
        try await desk.stop()
    }

    @Test func `with bodies beyond the limit are refused without being read`() async throws {
        let desk = try await RunningDesk.start { $0.jsonBytesMax = 1_000 }
        for body in [Array(repeating: UInt8(ascii: " "), count: 1_001), Array(repeating: 0x20, count: 4 << 20)] {
            let refused = try await desk.send("POST", "/v1/batches", body: body)
            #expect(refused.status == 413 && refused.isProperError)
        }
        let zipped = try await desk.send("POST", "/v1/batches", headers: ["Content-Encoding: gzip"], body: valid)
        #expect(zipped.status == 415 && zipped.isProperError)
        try await desk.stop()
    }

    @Test func `models are listed and found, slashes included`() async throws {
        let desk = try await RunningDesk.start()
        let list = try await desk.send("GET", "/v1/models")
        let ids = (list.object["data"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        #expect(ids == ["tiny", "Org/Model"] && list.text("object") == "list")
        for path in ["tiny", "Org/Model", "Org%2FModel"] {
            let model = try await desk.send("GET", "/v1/models/\(path)")
            #expect(model.status == 200 && model.text("object") == "model" && model.object["created"] is Int)
        }
        let missing = try await desk.send("GET", "/v1/models/huge")
        #expect(missing.status == 404 && missing.error["code"] as? String == "model_not_found")
        try await desk.stop()
    }
}
