// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Foundation
import Testing

@testable import BatchAPI

private let prefix = "/compatible-mode/v1"

private func body(
    input: String = "file-batch-x", endpoint: String = "/v1/chat/completions", window: String = "24h",
    metadata: String = "null"
) -> [UInt8] {
    Array(
        """
        {"input_file_id":"\(input)","endpoint":"\(endpoint)","completion_window":"\(window)","metadata":\(metadata)}
        """.utf8)
}

@Suite struct `Under the path of Bailian` {
    private func upload(_ desk: RunningDesk, _ content: String = "{}\n", at prefix: String = prefix) async throws
        -> RawResponse
    {
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "test.jsonl", Array(content.utf8))])
        return try await desk.send("POST", prefix + "/files", headers: [form.header], body: form.body)
    }

    private func ids(_ list: RawResponse) -> [String] {
        (list.object["data"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }

    @Test func `files have its ids and are the same files under both paths`() async throws {
        let desk = try await RunningDesk.start()
        let file = try await upload(desk)
        let id = try #require(file.text("id"))
        #expect(file.status == 200 && id.hasPrefix("file-batch-"))
        #expect(file.text("status") == "processed" && file.object["status_details"] is NSNull)
        #expect(file.object["expires_at"] is NSNull, "\(file.bodyText)")
        let other = try #require(try await upload(desk, at: "/v1").text("id"))
        #expect(!other.hasPrefix("file-batch"))
        for path in ["/v1", prefix] {
            #expect(ids(try await desk.send("GET", path + "/files")) == [other, id])
            #expect(try await desk.send("GET", path + "/files/\(id)").text("filename") == "test.jsonl")
            #expect(try await desk.send("GET", path + "/files/\(id)/content").bodyText == "{}\n")
        }
        #expect(try await desk.send("DELETE", prefix + "/files/\(id)").object["deleted"] as? Bool == true)
        #expect(try await desk.send("GET", "/v1/files/\(id)").status == 404)
        try await desk.stop()
    }

    @Test func `uploads end at the limits of size, number and capacity`() async throws {
        var limits = Limits()
        limits.bailian.fileBytesMax = 100
        limits.bailian.filesMax = 2
        limits.bailian.storageBytesMax = 150
        let desk = try await RunningDesk.start(limits: limits)
        let big = try await upload(desk, String(repeating: "x", count: 101))
        #expect(big.status == 413 && big.isProperError)
        #expect(try await upload(desk, String(repeating: "x", count: 100)).status == 200)
        let fat = try await upload(desk, String(repeating: "x", count: 51))
        #expect(fat.status == 400 && fat.error["code"] as? String == "file_capacity_limit_exceeded")
        #expect((fat.error["message"] as? String ?? "").contains("capacity limit exceeded") && fat.isProperError)
        #expect(try await upload(desk).status == 200)
        let many = try await upload(desk)
        #expect(many.status == 400 && many.error["code"] as? String == "file_number_limit_exceeded")
        #expect(many["x-should-retry"] == "false")
        #expect(try desk.blobs().incoming == 0)
        // The other path has limits of its own.
        #expect(try await upload(desk, String(repeating: "x", count: 500), at: "/v1").status == 200)
        try await desk.stop()
    }

    @Test func `batches are the same batches under both paths, and know where they were made`() async throws {
        let desk = try await RunningDesk.start()
        let made = try await desk.send("POST", prefix + "/batches", body: body(window: "14d"))
        let id = try #require(made.text("id"), "\(made.bodyText)")
        #expect(made.text("completion_window") == "14d" && made.text("status") == "validating")
        #expect((made.object["shardline"] as? [String: Any])?["profile"] as? String == "bailian")
        let created = try #require(made.object["created_at"] as? Int)
        #expect(made.object["expires_at"] as? Int == created + 14 * 86_400)
        let other = try #require(try await desk.send("POST", "/v1/batches", body: body()).text("id"))
        for path in ["/v1", prefix] {
            #expect(ids(try await desk.send("GET", path + "/batches")) == [other, id])
            #expect(try await desk.send("GET", path + "/batches/\(id)").text("id") == id)
        }
        // A repeated request finds its own batch, not that of the other path.
        let again = ["x-stainless-retry-count: 1"]
        #expect(try await desk.send("POST", "/v1/batches", headers: again, body: body()).text("id") == other)
        let third = try await desk.send("POST", prefix + "/batches", headers: again, body: body()).text("id")
        #expect(third != other && third != id)
        let cancelled = try await desk.send("POST", prefix + "/batches/\(id)/cancel", body: [])
        #expect(cancelled.status == 200 && cancelled.text("status") == "cancelling")
        #expect(ids(try await desk.send("GET", prefix + "/batches?status=cancelling")) == [id])
        #expect(try await desk.send("GET", prefix + "/models").text("object") == "list")
        try await desk.stop()
    }

    @Test func `an address of an input is echoed as it was given`() async throws {
        let desk = try await RunningDesk.start()
        for input in [
            "https://b.oss-cn-beijing.aliyuncs.com/x/test.jsonl?Expires=1&x=\(String(repeating: "a", count: 4_000))",
            "oss:cn-beijing:bucket-test/Batch/20250313/test.jsonl",
        ] {
            let made = try await desk.send("POST", prefix + "/batches", body: body(input: input))
            #expect(made.status == 200 && made.text("input_file_id") == input, "\(made.bodyText)")
        }
        try await desk.stop()
    }

    @Test func `lists are filtered, and filters hold from page to page`() async throws {
        let desk = try await RunningDesk.start()
        var made: [String] = []
        for name in ["任务_1", "任务%2", "other", "任务_3"] {
            let answer = try await desk.send(
                "POST", prefix + "/batches", body: body(input: "f\(made.count)", metadata: #"{"ds_name":"\#(name)"}"#))
            made.append(try #require(answer.text("id")))
        }
        func list(_ query: String) async throws -> [String] {
            ids(try await desk.send("GET", prefix + "/batches?\(query)"))
        }
        #expect(try await list("ds_name=%E4%BB%BB%E5%8A%A1") == [made[3], made[1], made[0]])
        #expect(try await list("ds_name=_") == [made[3], made[0]])
        #expect(try await list("extra_query%5Bds_name%5D=%25") == [made[1]])
        #expect(try await list("input_file_ids=f2,f1,nothing") == [made[2], made[1]])
        #expect(try await list("status=failed,completed").isEmpty)
        #expect(try await list("create_before=20200101000000").isEmpty)
        #expect(try await list("create_after=20200101000000&create_before=20990101000000").count == 4)
        let first = try await desk.send("GET", prefix + "/batches?ds_name=%E4%BB%BB%E5%8A%A1&limit=2")
        #expect(ids(first) == [made[3], made[1]] && first.object["has_more"] as? Bool == true)
        let rest = try await desk.send(
            "GET", prefix + "/batches?ds_name=%E4%BB%BB%E5%8A%A1&limit=2&after=\(made[1])")
        #expect(ids(rest) == [made[0]] && rest.object["has_more"] as? Bool == false)
        for (query, param) in [("status=no", "status"), ("create_after=1", "create_after"), ("limit=101", "limit")] {
            let refused = try await desk.send("GET", prefix + "/batches?\(query)")
            #expect(refused.status == 400 && refused.error["param"] as? String == param && refused.isProperError)
        }
        // Elsewhere they are parameters that nobody asks for.
        #expect(ids(try await desk.send("GET", "/v1/batches?ds_name=_&status=no")).count == 4)
        try await desk.stop()
    }

    @Test func `too many calls are put off, and too many batches refused`() async throws {
        var limits = Limits()
        limits.bailian.listsPerMinuteMax = 3
        limits.bailian.retrievesPerMinuteMax = 2
        limits.bailian.createsPerMinuteMax = 4
        limits.bailian.cancelsPerMinuteMax = 1
        limits.bailian.runningMax = 3
        let desk = try await RunningDesk.start(limits: limits)
        func isPutOff(_ answer: RawResponse) -> Bool {
            guard let seconds = answer["retry-after"].flatMap({ Int($0) }) else { return false }
            return answer.status == 429 && (1...60).contains(seconds) && answer.isProperError
                && answer.error["code"] as? String == "rate_limit_exceeded" && answer["x-should-retry"] == nil
        }
        for _ in 0..<3 { #expect(try await desk.send("GET", prefix + "/batches").status == 200) }
        #expect(isPutOff(try await desk.send("GET", prefix + "/batches")))
        #expect(try await desk.send("GET", "/v1/batches").status == 200)
        for _ in 0..<2 { #expect(try await desk.send("GET", prefix + "/batches/batch_x").status == 404) }
        #expect(isPutOff(try await desk.send("GET", prefix + "/batches/batch_x")))
        #expect(try await desk.send("POST", prefix + "/batches/batch_x/cancel").status == 404)
        #expect(isPutOff(try await desk.send("POST", prefix + "/batches/batch_x/cancel")))
        // Two of the test model, then no more of it; three altogether.
        let test = body(endpoint: "/v1/chat/ds-test")
        for _ in 0..<2 { #expect(try await desk.send("POST", prefix + "/batches", body: test).status == 200) }
        let third = try await desk.send("POST", prefix + "/batches", body: test)
        #expect(third.status == 429 && third.isProperError && third["x-should-retry"] == "false")
        #expect(third["retry-after"] == "60" && third.bodyText.contains("batches of the test model"))
        #expect(try await desk.send("POST", prefix + "/batches", body: body()).status == 200)
        #expect(isPutOff(try await desk.send("POST", prefix + "/batches", body: body())))
        #expect(try await desk.send("POST", "/v1/batches", body: test).status == 200)
        try await desk.stop()
    }
}
