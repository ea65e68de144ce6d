// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct ResultIDTests {
    private func token(_ line: String) -> String? {
        utf8(line).withUnsafeBytes { bytes in
            CustomIDToken.find(in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    /// The ids of a file that arrives in pieces of `size` bytes.
    private func ids(_ file: [UInt8], pieces size: Int) throws -> [String] {
        var reader = ResultIDReader()
        var found: [String] = []
        for start in stride(from: 0, to: file.count, by: size) {
            try Array(file[start..<min(start + size, file.count)]).withUnsafeBytes { piece in
                try reader.feed(piece) { found.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        try reader.finish { found.append(String(decoding: $0, as: UTF8.self)) }
        #expect(reader.lineCount == found.count)
        return found
    }

    @Test(
        arguments: [
            (#"{"id":"batch_req_1","custom_id":"a\u00e9\"\\","response":null}"#, #""a\u00e9\"\\""#),
            (#"{"custom_id":"中","method":"POST","body":{"custom_id":"inner"}}"#, #""中""#),
            (#" { "body" : {"custom_id":"inner"}, "custom\u005fid" : "outer" } "#, #""outer""#),
            (#"{"id":"x\"","custom_id":"y"}"#, #""y""#),
            (#"{"custom_id":7}"#, nil), (#"{"id":"x"}"#, nil), ("[]", nil), ("", nil), (#"{"custom_id":"x""#, nil),
        ] as [(String, String?)])
    func `the raw token is found in lines of any form`(line: String, expected: String?) {
        #expect(token(line) == expected)
    }

    @Test func `ids of a result file come out whatever the pieces are, last line without newline`() throws {
        var file: [UInt8] = []
        var expected: [String] = []
        for number in 0..<40 {
            let id = #""id-\#(number)-\u00e9\"""#
            expected.append(id)
            let body = #"{"text":"\#(String(repeating: "x", count: number * 97))"}"#
            let outcome = Outcome(
                ordinal: number, kind: .success, statusCode: 200, customID: utf8(id)[...], body: utf8(body)[...])
            ResultLine.openAI.append(outcome, id: utf8("7f"), to: &file)
        }
        for size in [1, 7, 64, 1_000, file.count] { #expect(try ids(file, pieces: size) == expected) }
        #expect(try ids(Array(file.dropLast()), pieces: 33) == expected)
    }

    @Test func `of a long line only the beginning is held`() throws {
        let filler = String(repeating: "x", count: 3 * ResultIDReader.beginningBytesMax)
        let line = #"{"id":"b","custom_id":"long","response":"\#(filler)"}"# + "\n"
        #expect(try ids(utf8(line + line), pieces: 1_000) == [#""long""#, #""long""#])
    }

    @Test func `a line of another form is refused with its number`() {
        let file = utf8(#"{"id":"b","custom_id":"a"}"# + "\n{\"custom_id\":\"b\"}\n")
        #expect(throws: ResultFileFault(line: 2)) { try ids(file, pieces: 5) }
    }
}

@Suite struct ProvenanceLineTests {
    private func render(_ outcome: Outcome) -> String {
        var out: [UInt8] = []
        ProvenanceLine.append(outcome, ordinal: 7, to: &out)
        #expect(out.last == 0x0A && !out.dropLast().contains(0x0A))
        #expect(verdict(Array(out.dropLast())) == .success(.object))
        return String(decoding: out.dropLast(), as: UTF8.self)
    }

    @Test func `everything that is known of a line is told`() {
        let outcome = Outcome(
            ordinal: 3, kind: .success, statusCode: 200, customID: utf8(#""a\u00e9""#)[...], requestID: "r\"1",
            attempts: 3, lastError: "HTTP 503", startedMilliseconds: 1_795_000_000_023, durationMilliseconds: 950,
            workerID: "worker_1", backend: "local",
            usage: Usage(inputTokens: 10, cachedTokens: 4, outputTokens: 7, reasoningTokens: 2, totalTokens: 17),
            body: utf8("{}")[...])
        #expect(
            render(outcome)
                == #"{"custom_id":"a\u00e9","ordinal":7,"result":"completed","status_code":200,"attempts":3,"#
                + #""last_error":"HTTP 503","started_at":1795000000.023,"duration_ms":950,"worker":"worker_1","#
                + #""backend":"local","request_id":"r\"1","usage":{"input_tokens":10,"cached_tokens":4,"#
                + #""output_tokens":7,"reasoning_tokens":2,"total_tokens":17}}"#)
    }

    @Test func `what is not known is null, and results without an answer are told by their code`() {
        let never = Outcome(
            ordinal: 0, kind: .noResponse(code: "batch_expired", message: "m"), customID: utf8(#""b""#)[...])
        #expect(
            render(never)
                == #"{"custom_id":"b","ordinal":7,"result":"batch_expired","status_code":null,"attempts":0,"#
                + #""last_error":null,"started_at":null,"duration_ms":null,"worker":null,"backend":null,"#
                + #""request_id":null,"usage":{"input_tokens":0,"cached_tokens":0,"output_tokens":0,"#
                + #""reasoning_tokens":0,"total_tokens":0}}"#)
        let refused = Outcome(
            ordinal: 0, kind: .httpError, statusCode: 400, customID: utf8(#""b""#)[...], attempts: 1,
            startedMilliseconds: .min)
        #expect(render(refused).contains(#""result":"failed","status_code":400"#))
        #expect(render(refused).contains(#""started_at":null"#))
    }
}
