// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchRun

struct ResultTextTests {
    private func text(_ kind: OutcomeKind, status: Int = 0, body: String = "", _ format: ResultFormat = .vllm) -> String
    {
        let outcome = Outcome(
            ordinal: 7, kind: kind, statusCode: status, customID: Array(#""a\u00e9""#.utf8)[...],
            body: Array(body.utf8)[...])
        let line = String(decoding: ResultText(format, salt: 5).line(outcome), as: UTF8.self)
        // Ids are random but for their form.
        return line.replacing(/(vllm-batch-|vllm-|batch_req_)[0-9a-f]{32}/) { "\($0.output.1)ID" }
    }

    @Test func `a success in vLLM's form has the body as it came`() {
        #expect(
            text(.success, status: 200, body: #"{"x":1e-7,"y":-0.0}"#)
                == #"{"id":"vllm-ID","custom_id":"a\u00e9","response":{"status_code":200,"request_id":"vllm-batch-ID","#
                + #""body":{"x":1e-7,"y":-0.0}},"error":null}"# + "\n")
    }

    @Test(arguments: [
        (#"{"error":{"message":"m","code":1}}"#, #"{"error":{"message":"m","code":1}}"#),
        (#"{"object":"error","message":"m"}"#, #"{"error":{"object":"error","message":"m"}}"#),
        (#""no such model""#, #""no such model""#),
    ])
    func `an error in vLLM's form is nested or a bare string`(body: String, shown: String) {
        #expect(
            text(.httpError, status: 404, body: body)
                == #"{"id":"vllm-ID","custom_id":"a\u00e9","response":{"status_code":404,"request_id":"vllm-batch-ID","#
                + #""body":null},"error":\#(shown)}"# + "\n")
    }

    @Test func `a line that nobody answered has a status in vLLM's form, and none in ours`() {
        let lost = OutcomeKind.noResponse(code: "connection_error", message: "it \"broke\"")
        #expect(text(lost).contains(#""status_code":502,"#))
        #expect(
            text(lost).hasSuffix(
                #""body":null},"error":{"error":{"message":"it \"broke\"","type":"connection_error","param":null,"#
                    + #""code":502}}}"# + "\n"))
        #expect(text(lost, .shardline).contains(#""response":null,"error":{"code":"connection_error","#))
        let refused = OutcomeKind.noResponse(code: "unsupported_url", message: "URL /x was used.")
        #expect(text(refused).contains(#""status_code":400,"#))
        #expect(text(refused).hasSuffix(#""error":"URL /x was used."}"# + "\n"))
    }

    @Test func `ids are different for every line and every run`() {
        var seen: Set<[UInt8]> = []
        for salt in 0..<20 as Range<UInt64> {
            let text = ResultText(.shardline, salt: salt)
            for ordinal in 0..<100 {
                let outcome = Outcome(ordinal: ordinal, kind: .success, customID: Array(#""a""#.utf8)[...])
                seen.insert(Array(text.line(outcome).prefix(60)))
            }
        }
        #expect(seen.count == 2_000)
    }
}
