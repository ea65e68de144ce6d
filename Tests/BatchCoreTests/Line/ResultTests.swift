// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct ResultTests {
    /// The line of an outcome.
    private func render(_ outcome: Outcome, _ style: ResultLine = .openAI) -> String {
        var out: [UInt8] = []
        style.append(outcome, id: utf8("7f"), to: &out)
        #expect(out.last == 0x0A)
        #expect(out.dropLast().allSatisfy { $0 != 0x0A && $0 != 0x0D })
        #expect(verdict(out) == .success(.object))
        return String(decoding: out.dropLast(), as: UTF8.self)
    }

    private func outcome(_ kind: OutcomeKind, status: Int = 0, requestID: String = "", body: String = "") -> Outcome {
        Outcome(
            ordinal: 0, kind: kind, statusCode: status, customID: ArraySlice(utf8(#""a\u00e9\/""#)),
            requestID: requestID,
            body: ArraySlice(utf8(body)))
    }

    @Test func `a success embeds the body untouched and echoes the raw id`() {
        let body = #"{"b":1e-7,"a":-0.0,"n":18446744073709551617,"s":"\u00e9\/","a":[ 1 ]}"#
        #expect(
            render(outcome(.success, status: 200, requestID: "r\"1", body: body))
                == #"{"id":"batch_req_7f","custom_id":"a\u00e9\/","response":{"status_code":200,"request_id":"r\"1","#
                + #""body":"# + body + #"},"error":null}"#)
    }

    @Test func `an HTTP error is a response and error stays null`() {
        #expect(
            render(outcome(.httpError, status: 400, requestID: "r", body: #"{"error":{"message":"no"}}"#))
                == #"{"id":"batch_req_7f","custom_id":"a\u00e9\/","response":{"status_code":400,"request_id":"r","#
                + #""body":{"error":{"message":"no"}}},"error":null}"#)
    }

    @Test func `without a backend's request id the line's own stands in`() {
        #expect(render(outcome(.success, status: 200, body: "{}")).contains(#""request_id":"batch_req_7f""#))
    }

    @Test(arguments: ["batch_expired", "batch_cancelled", "request_timeout", "server_error", "connection_error"])
    func `a line without a response has an error instead`(code: String) {
        #expect(
            render(outcome(.noResponse(code: code, message: "It \"failed\"\n.")))
                == #"{"id":"batch_req_7f","custom_id":"a\u00e9\/","response":null,"error":{"code":"\#(code)","#
                + #""message":"It \"failed\"\n."}}"#)
    }

    @Test func `Bailian's form names code and message twice`() {
        #expect(
            render(outcome(.noResponse(code: "c", message: "m")), .bailian).hasSuffix(
                #""error":{"code":"c","message":"m","error_code":"c","error_message":"m"}}"#))
        #expect(render(outcome(.success, status: 200, body: "{}"), .bailian).hasSuffix(#""error":null}"#))
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"{"a":1}"#), ("{\n  \"a\" : 1,\r\n\t\"b\":\"\\n\\r\" }\n", "{  \"a\" : 1,\t\"b\":\"\\n\\r\" }"),
        ("[1,\n2]", "[1,2]"), ("\"x\"", "\"x\""), ("\n1\n", "1"),
    ])
    func `JSON answers lose their line breaks and nothing else`(answer: String, line: String) {
        let body = ResponseBody(utf8(answer))
        #expect(body.isJSON)
        #expect(String(decoding: body.bytes, as: UTF8.self) == line)
    }

    @Test(arguments: ["", "<html>\n\"x\"</html>", "{\"a\":1", "{\"a\":NaN}", "{}{}", "\u{FEFF}{}", #"{"a":"\ud800"}"#])
    func `other answers become an error object that shows them`(answer: String) throws {
        let body = ResponseBody(utf8(answer))
        #expect(!body.isJSON)
        #expect(body.usage == Usage())
        #expect(verdict(body.bytes) == .success(.object))
        #expect(try message(of: body) == (answer.isEmpty ? "The backend's answer was empty." : answer))
        let text = String(decoding: body.bytes, as: UTF8.self)
        #expect(text.hasPrefix(#"{"error":{"message":""#))
        #expect(text.hasSuffix(#"","type":"server_error","param":null,"code":"invalid_backend_response"}}"#))
    }

    /// The message in an error object.
    private func message(of body: ResponseBody) throws -> String {
        let start = utf8(#"{"error":{"message":"#).count
        let end =
            body.bytes.count - utf8(#","type":"server_error","param":null,"code":"invalid_backend_response"}}"#).count
        return try #require(Array(body.bytes[start..<end]).withUnsafeBytes { JSONText.string($0) })
    }

    @Test func `an answer that is no JSON is cut at 4 KiB between characters`() throws {
        let text = String(repeating: "x", count: 4_095) + "中" + String(repeating: "y", count: 100)
        #expect(try message(of: ResponseBody(utf8(text))) == String(repeating: "x", count: 4_095))
        #expect(try message(of: ResponseBody(utf8(String(repeating: "x", count: 5_000)))).utf8.count == 4_096)
        #expect(try message(of: ResponseBody([0x61, 0xFF, 0x62])) == "a\u{FFFD}b")
        #expect(try message(of: ResponseBody([UInt8](repeating: 0x80, count: 5_000))).isEmpty == false)
    }

    @Test(
        arguments: [
            (#"{"usage":{"prompt_tokens":20,"completion_tokens":6,"total_tokens":26}}"#, [20, 0, 6, 0, 26]),
            (
                #"{"usage":{"total_tokens":9,"prompt_tokens":5,"completion_tokens":4,"prompt_tokens_details":"#
                    + #"{"audio_tokens":1,"cached_tokens":2},"#
                    + #""completion_tokens_details":{"reasoning_tokens":3,"x":[]}}}"#,
                [5, 2, 4, 3, 9]
            ),
            (
                #"{"a":[{"usage":1}],"\u0075sage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"#
                    + #""output_tokens":4,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":9}}"#,
                [5, 2, 4, 3, 9]
            ),
            (#"{"usage":{"prompt_tokens":8,"total_tokens":8}}"#, [8, 0, 0, 0, 8]),
            (#"{"usage":{"input_tokens":8,"output_tokens":2}}"#, [8, 0, 2, 0, 10]),
            (#"{"usage":{"prompt_tokens":1.0,"completion_tokens":"6","total_tokens":1e3}}"#, [0, 0, 0, 0, 0]),
            (#"{"usage":{"prompt_tokens":-1,"completion_tokens":9223372036854775808}}"#, [0, 0, 0, 0, 0]),
            (
                #"{"usage":{"prompt_tokens":1000000000000,"completion_tokens":1}}"#,
                [1_000_000_000_000, 0, 1, 0, 1_000_000_000_001]
            ),
            (#"{"usage":{"prompt_tokens":1000000000001,"completion_tokens":9223372036854775807}}"#, [0, 0, 0, 0, 0]),
            (
                #"{"usage":{"prompt_tokens":1,"prompt_tokens_details":null,"completion_tokens_details":[]}}"#,
                [1, 0, 0, 0, 1]
            ),
            (#"{"usage":null}"#, [0, 0, 0, 0, 0]), (#"{"x":{"usage":{"prompt_tokens":1}}}"#, [0, 0, 0, 0, 0]),
            ("[]", [0, 0, 0, 0, 0]), ("{", [0, 0, 0, 0, 0]), (#"{"usage":{"prompt_tokens":1}"#, [0, 0, 0, 0, 0]),
        ] as [(String, [Int64])])
    func `usage is read by both families of names`(body: String, expected: [Int64]) {
        let usage = Usage(
            inputTokens: expected[0], cachedTokens: expected[1], outputTokens: expected[2],
            reasoningTokens: expected[3],
            totalTokens: expected[4])
        #expect(utf8(body).withUnsafeBytes { UsageReader.read($0) } == usage)
        #expect(ResponseBody(utf8(body)).usage == usage)
    }

    @Test func `usage adds up and stops at the ends`() {
        let one = Usage(inputTokens: 1, cachedTokens: 2, outputTokens: 3, reasoningTokens: 4, totalTokens: 5)
        var sum = one + one
        #expect(sum == Usage(inputTokens: 2, cachedTokens: 4, outputTokens: 6, reasoningTokens: 8, totalTokens: 10))
        sum += Usage(inputTokens: .max, totalTokens: -20)
        #expect(sum.inputTokens == .max)
        #expect(sum.totalTokens == -10)
        #expect(Usage.sum(.min, -1) == .min)
    }
}
