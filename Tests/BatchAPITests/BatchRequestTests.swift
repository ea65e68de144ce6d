// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchAPI

private func refusal(of body: String) -> BatchError? {
    do {
        _ = try BatchRequest(parsing: Array(body.utf8), limits: Limits())
        return nil
    } catch {
        return error as? BatchError
    }
}

/// A valid body with `fields` put in front; of a repeated field the last counts, so `instead` replaces.
private func body(_ extra: String = "", instead: String = "") -> String {
    let comma = extra.isEmpty ? "" : ","
    let tail = instead.isEmpty ? "" : ",\(instead)"
    return """
        {\(extra)\(comma)"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"\(tail)}
        """
}

@Suite struct `Requests to create a batch` {
    @Test func `with every field are understood`() throws {
        let text = body(
            #""metadata":{"zebra":"1","apple":"é\n"},"output_expires_after":{"anchor":"created_at","seconds":3600}"#)
        let request = try BatchRequest(parsing: Array(text.utf8), limits: Limits())
        #expect(request.input == .file("file-1"))
        #expect(request.endpoint == "/v1/chat/completions")
        #expect(request.window.seconds == 86_400)
        #expect(request.metadata == #"{"zebra":"1","apple":"é\n"}"#)
        #expect(request.outputExpiresAfterSeconds == 3_600)
    }

    @Test func `name an input elsewhere in either way, and places for the results`() throws {
        let elsewhere = """
            {"endpoint":"/v1/embeddings","completion_window":"24h","input_file_id":null,\
            "input":{"url":"oss:cn-beijing:bucket/a:b"},\
            "output":{"url":"s3://bucket/o/","errors_url":"https://a.example/e?x=1"}}
            """
        let request = try BatchRequest(parsing: Array(elsewhere.utf8), limits: Limits())
        #expect(request.input == .address("oss:cn-beijing:bucket/a:b"))
        #expect(request.output == OutputFields(url: "s3://bucket/o/", errorsURL: "https://a.example/e?x=1"))
        let long = "https://a.example/in?token=" + String(repeating: "t", count: 4_000)
        let asID = body(instead: #""input_file_id":"\#(long)""#)
        #expect(try BatchRequest(parsing: Array(asID.utf8), limits: Limits()).input.address == long)
        #expect(refusal(of: body(instead: #""input_file_id":"s3://bucket/dir/""#))?.param == "input_file_id")
        let retry = try RetryRequest(parsing: Array(#"{"output":{"url":"s3://bucket/o/"}}"#.utf8), limits: Limits())
        #expect(retry.output == OutputFields(url: "s3://bucket/o/", errorsURL: nil))
    }

    @Test func `may leave out or null what is optional`() throws {
        let text = body(#""metadata":null,"output_expires_after":null"#)
        let request = try BatchRequest(parsing: Array(text.utf8), limits: Limits())
        #expect(request.metadata == nil)
        #expect(request.outputExpiresAfterSeconds == nil)
        #expect(refusal(of: body()) == nil)
    }

    @Test func `keep the first place and the last value of a repeated metadata key`() throws {
        let text = body(#""metadata":{"a":"1","b":"2","\u0061":"3"}"#)
        #expect(try BatchRequest(parsing: Array(text.utf8), limits: Limits()).metadata == #"{"a":"3","b":"2"}"#)
    }

    @Test(
        arguments: [
            ("", nil, nil), ("{", "invalid_json", nil), ("[]", nil, nil), ("null", nil, nil),
            ("{\"a\":1,}", "invalid_json", nil), ("{} x", "invalid_json", nil),
            (#"{"input_file_id":"\ud800"}"#, "invalid_json", nil),
            (body(#""model":"x""#), "unknown_parameter", "model"),
            ("{}", "missing_required_parameter", "input_file_id"),
            (#"{"input_file_id":"f"}"#, "missing_required_parameter", "endpoint"),
            (#"{"input_file_id":"f","endpoint":"/v1/embeddings"}"#, "missing_required_parameter", "completion_window"),
            (body(instead: #""input_file_id":7"#), "invalid_type", "input_file_id"),
            (body(instead: #""input_file_id":null"#), "invalid_type", "input_file_id"),
            (body(instead: #""input_file_id":"""#), "invalid_value", "input_file_id"),
            (body(instead: #""input_file_id":"a\u0000b""#), "invalid_value", "input_file_id"),
            (body(instead: #""endpoint":"/v1/chat""#), "invalid_value", "endpoint"),
            (body(instead: #""endpoint":["/v1/embeddings"]"#), "invalid_type", "endpoint"),
            (body(instead: #""completion_window":"1h""#), "invalid_value", "completion_window"),
            (body(instead: #""completion_window":"400h""#), "invalid_value", "completion_window"),
            (body(instead: #""completion_window":24"#), "invalid_type", "completion_window"),
            (body(#""metadata":"x""#), "invalid_type", "metadata"),
            (body(#""metadata":[]"#), "invalid_type", "metadata"),
            (body(#""metadata":{"n":1}"#), "invalid_type", "metadata.n"),
            (body(#""metadata":{"n":null}"#), "invalid_type", "metadata.n"),
            (body(#""metadata":{"n":"\u0000"}"#), "invalid_value", "metadata.n"),
            (body(#""metadata":{"\u0000":"n"}"#), "invalid_value", "metadata"),
            (body(#""output_expires_after":5"#), "invalid_type", "output_expires_after"),
            (body(#""output_expires_after":{}"#), "missing_required_parameter", "output_expires_after.anchor"),
            (
                body(#""output_expires_after":{"anchor":"created_at"}"#), "missing_required_parameter",
                "output_expires_after.seconds"
            ),
            (
                body(#""output_expires_after":{"anchor":"last_used_at","seconds":3600}"#), "invalid_value",
                "output_expires_after.anchor"
            ),
            (
                body(#""output_expires_after":{"anchor":"created_at","seconds":3599}"#), "invalid_value",
                "output_expires_after.seconds"
            ),
            (
                body(#""output_expires_after":{"anchor":"created_at","seconds":2592001}"#), "invalid_value",
                "output_expires_after.seconds"
            ),
            (
                body(#""output_expires_after":{"anchor":"created_at","seconds":"3600"}"#), "invalid_type",
                "output_expires_after.seconds"
            ),
            (
                body(#""output_expires_after":{"anchor":"created_at","seconds":3600,"x":1}"#), "unknown_parameter",
                "output_expires_after.x"
            ),
        ] as [(String, String?, String?)])
    func `that are wrong are refused by code and field`(body: String, code: String?, param: String?) throws {
        let error = try #require(refusal(of: body), "accepted: \(body)")
        #expect(error.status == 400 && error.type == "invalid_request_error" && error.isFinal)
        #expect(error.code == code)
        #expect(error.param == param)
        if let param { #expect(error.message.contains(param)) }
    }

    @Test func `name the supported endpoints`() throws {
        let error = try #require(refusal(of: body(instead: #""endpoint":"/v1/x""#)))
        for endpoint in EndpointList.standard.paths + ["*"] { #expect(error.message.contains("'\(endpoint)'")) }
    }

    @Test func `measure metadata in characters, limits included`() {
        func pairs(_ count: Int) -> String {
            body("\"metadata\":{" + (0..<count).map { "\"k\($0)\":\"v\"" }.joined(separator: ",") + "}")
        }
        func pair(key: Int, value: Int) -> String {
            let key = String(repeating: "键", count: key)
            let value = String(repeating: "值", count: value)
            return body("\"metadata\":{\"\(key)\":\"\(value)\"}")
        }
        #expect(refusal(of: pairs(16)) == nil)
        #expect(refusal(of: pairs(17))?.code == "object_above_max_properties")
        #expect(refusal(of: pair(key: 64, value: 512)) == nil)
        #expect(refusal(of: pair(key: 65, value: 1))?.code == "string_above_max_length")
        #expect(refusal(of: pair(key: 1, value: 513))?.code == "string_above_max_length")
    }

    @Test func `nested too deeply are refused without a crash`() {
        let deep = String(repeating: "[", count: 200_000)
        #expect(refusal(of: "{\"metadata\":\(deep)")?.code == "invalid_json")
    }
}
