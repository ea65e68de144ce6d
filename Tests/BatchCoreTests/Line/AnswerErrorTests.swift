// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct `An error answer` {
    private func read(_ body: String) -> AnswerError {
        Array(body.utf8).withUnsafeBytes { AnswerError.read($0, status: 422) }
    }

    @Test(arguments: [
        (#"{"error":{"message":"no \"x\"","type":"t","param":null,"code":"c"}}"#, "c", #"no "x""#),
        (#"{"error":{"message":"m","type":"BadRequestError","code":null}}"#, "BadRequestError", "m"),
        (#"{"object":"error","message":"m","type":"t","code":400}"#, "400", "m"),
        (#"{"error":"plain words"}"#, "http_422", "plain words"),
        (#"{"detail":"Not Found"}"#, "http_422", "Not Found"),
        (#"{"code":"outer","error":{"message":"m"}}"#, "outer", "m"),
        (#"{"message":"outer","error":{"code":"c","message":"inner"}}"#, "c", "inner"),
        (#"{"code":"","message":[1]}"#, "http_422", "The backend answered with status 422 and no message."),
        ("[]", "http_422", "The backend answered with status 422 and no message."),
    ])
    func `is understood in the forms servers use`(body: String, code: String, message: String) {
        let error = read(body)
        #expect(error.code == code && error.message == message)
        #expect((error.type == nil) == !body.contains("type"))
    }

    @Test func `is cut between characters when it is long`() {
        let long = read(#"{"error":{"message":"a\#(String(repeating: "题", count: 3_000))","code":"c"}}"#)
        #expect(long.message.utf8.count <= AnswerError.textBytesMax && long.message.utf8.count > 4_000)
        #expect(!long.message.contains("\u{FFFD}"))
    }

    @Test func `stands beside the answer in Bailian's lines`() {
        var out: [UInt8] = []
        let body = #"{"error":{"message":"too long","code":"context_length_exceeded"}}"#
        ResultLine.bailian.append(
            Outcome(
                ordinal: 0, kind: .httpError, statusCode: 400, customID: ArraySlice(utf8(#""a""#)), requestID: "r",
                body: ArraySlice(utf8(body))), id: utf8("7f"), to: &out)
        #expect(
            String(decoding: out, as: UTF8.self)
                == #"{"id":"batch_req_7f","custom_id":"a","response":{"status_code":400,"request_id":"r","body":"#
                + body + #"},"error":{"code":"context_length_exceeded","message":"too long","#
                + #""error_code":"context_length_exceeded","error_message":"too long"}}"# + "\n")
    }
}
