// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchAPI

@Suite struct `A batch request in Bailian's manner` {
    private func request(
        input: String = "file-batch-1", endpoint: String = "/v1/chat/completions", window: String = "24h",
        metadata: String = "{}", extra: String = "", _ profile: Profile = .bailian
    ) throws -> BatchRequest {
        let body = """
            {"input_file_id":"\(input)","endpoint":"\(endpoint)","completion_window":"\(window)",\
            "metadata":\(metadata)\(extra)}
            """
        return try BatchRequest(parsing: Array(body.utf8), limits: Limits(), profile: profile)
    }

    private func param(_ make: () throws -> BatchRequest) -> String? {
        do {
            _ = try make()
            return nil
        } catch {
            return (error as? BatchError).flatMap { $0.status == 400 ? $0.param ?? "none" : "status" }
        }
    }

    @Test(arguments: [("24h", 86_400), ("336h", 1_209_600), ("1d", 86_400), ("7d", 604_800), ("14d", 1_209_600)])
    func `has a window from a day to two weeks, echoed as it was written`(text: String, seconds: Int64) throws {
        let window = try request(window: text).window
        #expect(window.text == text && window.seconds == seconds)
    }

    @Test(arguments: ["23h", "337h", "15d", "0d", "24", "24m", "1.5d", "024h", "24H", " 24h", ""])
    func `has no other window`(text: String) {
        #expect(param { try request(window: text) } == "completion_window")
    }

    @Test func `names one of three endpoints`() throws {
        for path in ["/v1/chat/completions", "/v1/embeddings", "/v1/chat/ds-test"] {
            #expect(try request(endpoint: path).endpoint == path)
        }
        for path in ["/v1/responses", "/v1/completions", "/chat/completions"] {
            #expect(param { try request(endpoint: path) } == "endpoint")
        }
        #expect(try request(endpoint: "/v1/responses", .openAI).endpoint == "/v1/responses")
    }

    @Test func `may name its input as a file, a URL or an object`() throws {
        #expect(try request().input == .file("file-batch-1"))
        let url = "https://testbucket.oss-cn-beijing.aliyuncs.com/a/test.jsonl?Expires=1&Signature=a%2Fb"
        #expect(try request(input: url).input == .address(url, param: "input_file_id"))
        let object = "oss:cn-beijing:bucket-test/Batch/20250313/te:st.jsonl"
        #expect(try request(input: object).input == .address(object, param: "input_file_id"))
        let long = "https://h/" + String(repeating: "a", count: 8_182)
        #expect(try request(input: long).input.address == long)
        #expect(param { try request(input: long + "a") } == "input_file_id")
        #expect(param { try request(input: String(repeating: "f", count: 513)) } == "input_file_id")
        #expect(param { try request(input: "") } == "input_file_id")
    }

    @Test func `has names and descriptions of limited length, in characters`() throws {
        func named(_ key: String, _ count: Int) -> String? {
            param { try request(metadata: #"{"\#(key)":"\#(String(repeating: "任", count: count))"}"#) }
        }
        #expect(named("ds_name", 100) == nil && named("ds_name", 101) == "metadata.ds_name")
        #expect(named("ds_description", 200) == nil && named("ds_description", 201) == "metadata.ds_description")
        #expect(named("other", 512) == nil && named("other", 513) == "metadata.other")
        let long = #"{"ds_name":"\#(String(repeating: "n", count: 500))"}"#
        #expect(try request(metadata: long, .openAI).name?.count == 500)
    }

    @Test func `has the last of a repeated name, and URLs of any use`() throws {
        let twice = try request(metadata: #"{"ds_name":"first","x":"1","ds_name":"任务名称"}"#)
        #expect(twice.name == "任务名称" && twice.metadata == #"{"ds_name":"任务名称","x":"1"}"#)
        let url = "https://h.example/" + String(repeating: "a", count: 1_000)
        #expect(try request(metadata: #"{"link":"\#(url)"}"#).metadata?.contains(url) ?? false)
        let callback = try request(metadata: #"{"ds_batch_finish_callback":"https://h.example/done"}"#)
        #expect(callback.callbackURL == "https://h.example/done" && callback.name == nil)
        #expect(
            param { try request(metadata: #"{"ds_batch_finish_callback":"ftp://h/"}"#) }
                == "metadata.ds_batch_finish_callback")
    }

    @Test func `may have fields that nobody knows`() throws {
        #expect(try request(extra: #","enable_magic":true"#).input == .file("file-batch-1"))
        #expect(param { try request(extra: #","enable_magic":true"#, .openAI) } == "enable_magic")
    }
}
