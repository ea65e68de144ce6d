// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchInference

@Suite struct StreamedAnswerTests {
    /// A stream of these data fields, with `[DONE]` unless told otherwise.
    private func stream(_ data: [String], done: Bool = true) -> [UInt8] {
        Array((data + (done ? ["[DONE]"] : [])).map { "data: \($0)\n\n" }.joined().utf8)
    }

    private func whole(_ data: [String], done: Bool = true, isSpeech: Bool = false) throws -> String {
        let answer = StreamedAnswer.assemble(stream(data, done: done), isSpeech: isSpeech)
        guard case .whole(let bytes) = answer else {
            Issue.record("not whole: \(answer)")
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static let chat = [
        #"{"id":"c-1","object":"chat.completion.chunk","created":17,"model":"m","system_fingerprint":"fp","choices":"#
            + #"[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"#
            + #""usage":null}"#,
        #"{"id":"c-2","object":"chat.completion.chunk","created":18,"model":"n","choices":[{"index":0,"delta":"#
            + #"{"reasoning_content":"hm \u00e4"},"finish_reason":null}],"x":1}"#,
        #"{"id":"c-1","object":"chat.completion.chunk","created":17,"choices":[{"index":0,"delta":"#
            + #"{"content":"Hé\n"},"logprobs":{"content":[{"token":"H","logprob":-1e-7}]}}],"x":2.50}"#,
        #"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"\ud83d\ude00!"},"#
            + #""logprobs":{"content":[{"token":"!","logprob":-0.0}]},"finish_reason":"stop"}]}"#,
        #"{"id":"c-1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3,"total_tokens":7}}"#,
    ]

    static let chatWhole =
        #"{"id":"c-1","object":"chat.completion","created":17,"model":"m","system_fingerprint":"fp","choices":"#
        + #"[{"index":0,"message":{"role":"assistant","content":"Hé\n\ud83d\ude00!","reasoning_content":"hm \u00e4"},"#
        + #""logprobs":{"content":[{"token":"H","logprob":-1e-7},{"token":"!","logprob":-0.0}]},"#
        + #""finish_reason":"stop"}],"usage":{"prompt_tokens":3,"total_tokens":7},"x":2.50}"#

    @Test func `chunks of a chat become one completion, numbers and escapes as they were written`() throws {
        #expect(try whole(Self.chat) == Self.chatWhole)
    }

    @Test func `an answer that has finished needs no DONE, unless it may be cut`() throws {
        #expect(try whole(Self.chat, done: false) == Self.chatWhole)
        guard case .broken = StreamedAnswer.assemble(stream(Self.chat, done: false), mayBeCut: true) else {
            Issue.record("taken for whole")
            return
        }
        guard case .whole = StreamedAnswer.assemble(stream(Self.chat), mayBeCut: true) else {
            Issue.record("not whole though it says so")
            return
        }
    }

    @Test(.timeLimit(.minutes(1))) func `long lists of a long stream are joined without looking at them again`() throws
    {
        let count = 20_000
        let chunk =
            #"{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[-0.5],"content":"#
            + #"[{"token":"a","logprob":-0.5}]},"token_ids":[7]}]}"#
        let answer = try whole(Array(repeating: chunk, count: count))
        #expect(answer.contains(#""token_ids":["# + Array(repeating: "7", count: count).joined(separator: ",") + "]"))
        #expect(answer.contains(#""tokens":["# + Array(repeating: #""a""#, count: count).joined(separator: ",") + "]"))
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func `line ends, comments, fields without a blank and several data lines`(
        end: String
    ) throws {
        var text = "\u{FEFF}: hello\(end)\(end)id: 7\(end)retry: 5\(end)"
        for data in Self.chat {
            // A line break between tokens may be sent as two data fields.
            let parts = data.split(separator: ",", maxSplits: 1).map(String.init)
            text += "event: chunk\(end)data:\(parts[0]),\(end)data: \(parts[1])\(end): still here\(end)\(end)"
        }
        text += "data: [DONE]"
        let answer = StreamedAnswer.assemble(Array(text.utf8))
        guard case .whole(let bytes) = answer else {
            Issue.record("not whole: \(answer)")
            return
        }
        #expect(String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self) == Self.chatWhole)
    }

    @Test func `a stream cut at any byte is whole or broken, never something else`() throws {
        let full = stream(Self.chat)
        // Behind the chunk that says why the answer ended only the usage can be missing.
        let finished = stream(Array(Self.chat.prefix(4)), done: false).count - 2
        for count in 0..<full.count {
            switch StreamedAnswer.assemble(Array(full.prefix(count))) {
            case .whole: #expect(count >= finished, "whole at \(count)")
            case .broken: #expect(count < full.count - 2, "broken at \(count)")
            case .failed: Issue.record("failed at \(count)")
            }
        }
    }

    @Test func `a flipped byte never crashes and never makes JSON that is none`() throws {
        let full = stream(Self.chat)
        for place in full.indices {
            for byte in [0x00, 0x22, 0x5C, 0x7B, 0x0A, 0xFF] as [UInt8] {
                var broken = full
                broken[place] = byte
                guard case .whole(let bytes) = StreamedAnswer.assemble(broken) else { continue }
                #expect(throws: Never.self) { _ = try StreamValue.members(of: bytes) }
            }
        }
    }

    @Test func `calls of tools are joined by their index`() throws {
        func chunk(_ delta: String, _ reason: String = "null") -> String {
            #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]}"#
        }
        let text = try whole([
            chunk(#"{"role":"assistant","content":null}"#),
            chunk(#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#),
            chunk(#"{"tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":"{\"x\":"}}]}"#),
            chunk(#"{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}"#),
            chunk(#"{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"}"}}]}"#),
            chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#),
            chunk("{}", #""tool_calls""#),
        ])
        #expect(
            text == #"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":null,"#
                + #""tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},"#
                + #"{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"#
                + #""finish_reason":"tool_calls"}]}"#)
    }

    @Test func `function calls, refusals and fields nobody knows are joined as well`() throws {
        func chunk(_ delta: String) -> String { #"{"choices":[{"index":0,"delta":\#(delta)}]}"# }
        let text = try whole([
            chunk(#"{"function_call":{"name":"f","arguments":"{"}}"#), chunk(#"{"function_call":{"arguments":"}"}}"#),
            chunk(#"{"refusal":"I "}"#), chunk(#"{"refusal":"won't","odd":"a"}"#),
            chunk(#"{"odd":"b","ids":[1]}"#), chunk(#"{"ids":[2,3]}"#),
        ])
        #expect(
            text == #"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"#
                + #""function_call":{"name":"f","arguments":"{}"},"refusal":"I won't","odd":"ab","ids":[1,2,3]}}]}"#)
    }

    @Test func `choices that come in any order stand in theirs`() throws {
        func chunk(_ index: Int, _ text: String, _ reason: String = "null") -> String {
            #"{"object":"text_completion","choices":[{"index":\#(index),"text":"\#(text)","#
                + #""finish_reason":\#(reason)}]}"#
        }
        let text = try whole([
            chunk(10, "x", #""stop""#), chunk(2, "c"), chunk(0, "a"), chunk(2, "d", #""length""#),
            chunk(0, "b", #""stop""#),
        ])
        #expect(
            text == #"{"object":"text_completion","choices":[{"index":0,"text":"ab","finish_reason":"stop"},"#
                + #"{"index":2,"text":"cd","finish_reason":"length"},{"index":10,"text":"x","finish_reason":"stop"}]}"#)
    }

    @Test func `empty names of the first chunk are filled by the next`() throws {
        let text = try whole([
            #"{"id":"","model":"","object":"","prompt_filter_results":[1],"choices":[]}"#,
            #"{"id":"i","model":"m","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}"#,
        ])
        #expect(
            text == #"{"id":"i","model":"m","object":"chat.completion","prompt_filter_results":[1],"choices":"#
                + #"[{"index":0,"message":{"role":"assistant","content":"x"}}]}"#)
    }

    @Test(arguments: ["completed", "incomplete", "failed"]) func `the last event of a response carries it whole`(
        ending: String
    ) throws {
        let response = #"{"id":"resp_1",  "n":1e-7,"status":"\#(ending)","usage":{"input_tokens":2}}"#
        let text =
            #"event: response.created\#ndata: {"type":"response.created","response":{"id":"resp_1"}}\#n\#n"#
            + #"event: response.output_text.delta\#ndata: {"type":"response.output_text.delta","delta":"x"}\#n\#n"#
            + #"event: response.\#(ending)\#ndata: {"type":"response.\#(ending)","response":\#(response)}\#n\#n"#
        #expect(StreamedAnswer.assemble(Array(text.utf8)) == .whole(Array(response.utf8)))
    }

    @Test func `a transcription comes to its text`() throws {
        let chunks = [
            #"{"object":"transcription.chunk","choices":[{"delta":{"content":"Good "}}]}"#,
            #"{"object":"transcription.chunk","choices":[{"delta":{"content":"day"},"finish_reason":"stop"}],"#
                + #""usage":{"total_tokens":4}}"#,
        ]
        #expect(try whole(chunks, isSpeech: true) == #"{"text":"Good day","usage":{"total_tokens":4}}"#)
        let events = [
            #"{"type":"transcript.text.delta","delta":"Good"}"#, #"{"type":"transcript.text.done","text":"Good"}"#,
        ]
        #expect(try whole(events, done: false, isSpeech: true) == #"{"type":"transcript.text.done","text":"Good"}"#)
    }

    @Test(arguments: [
        (#"{"error":{"message":"m","code":400,"type":"BadRequestError"}}"#, 400),
        (#"{"error":{"message":"m","code":"429"}}"#, 429), (#"{"error":{"message":"m","code":503}}"#, 503),
        (#"{"error":{"message":"m","type":"invalid_request_error","code":null}}"#, 400),
        (#"{"error":{"message":"m","code":"context_length_exceeded"}}"#, 400),
        (#"{"error":{"message":"m","code":"data_inspection_failed"}}"#, 400),
        (#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, 429),
        (#"{"error":{"message":"m","type":"server_error"}}"#, 500), (#"{"error":"it broke"}"#, 500),
    ]) func `an error in the middle has the status that its code means`(error: String, status: Int) {
        let body = stream([Self.chat[0], error])
        #expect(StreamedAnswer.assemble(body) == .failed(status: status, body: Array(error.utf8)))
    }

    @Test func `an error event without an error object is made one`() {
        let text = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}\n\n"
        guard case .failed(let status, let body) = StreamedAnswer.assemble(Array(text.utf8)) else {
            Issue.record("no error")
            return
        }
        #expect(status == 429)
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"error":{"type":"error","code":"rate_limit_exceeded","message":"m"}}"#)
    }

    @Test(arguments: ["", "data: [DONE]\n\n", "data: x\n\n", "data: [1]\n\n", ": ping\n\n", "hello", "data: {}\n\n"])
    func `what is no stream of an answer is broken`(text: String) {
        guard case .broken = StreamedAnswer.assemble(Array(text.utf8)) else {
            Issue.record("taken for an answer: \(text)")
            return
        }
    }
}
