// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct `Lines of an Ark job` {
    private let rules = LineRules(
        endpoint: "/v1/chat/completions", profile: .ark, limits: Limits().of(.ark), knowsModel: { _ in false })

    private func problems(_ line: String) -> [String] {
        var memo = LineMemo()
        let checked = utf8(line).withUnsafeBytes { rules.check($0, number: 1, memo: &memo) }
        return checked.problems.map { "\($0.code) \($0.param ?? "-")" }
    }

    @Test func `need an id and a body; method, url and model mean nothing`() {
        #expect(problems(#"{"custom_id":"a","body":{"messages":[]}}"#) == [])
        #expect(
            problems(
                #"{"custom_id":"a","method":7,"url":"/elsewhere","body":{"model":["unknown"],"messages":[],"n":null}}"#)
                == [])
        #expect(problems(#"{"body":{"messages":[]}}"#) == ["missing_required_parameter custom_id"])
        #expect(problems(#"{"custom_id":"a"}"#) == ["missing_required_parameter body"])
        #expect(problems(#"{"custom_id":"a","body":"x"}"#) == ["invalid_request body"])
        #expect(problems(#"{"custom_id":"a","body":{}}"#) == ["invalid_request body.messages"])
        #expect(
            problems(#"{"custom_id":"a","body":{"messages":[],"stream":true}}"#)
                == ["streaming_unsupported body.stream"])
    }

    @Test func `are read over blank ones, and two of one id are told`() throws {
        let file = "\n \t\n" + #"{"custom_id":"a","body":{"messages":[]}}"# + "\r\n\n"
        let good = try validate(utf8(file + file.replacing("\"a\"", with: "\"b\"")), rules: rules)
        #expect(good.verdict.problems.isEmpty && good.lines.map(\.number) == [3, 7] && good.verdict.model == nil)
        #expect(good.texts[1] == #"{"messages":[]}"#)
        let twice = try validate(utf8(file + file), rules: rules)
        #expect(twice.verdict.problems.map(\.code) == ["duplicate_custom_id"])
    }

    @Test func `may be a file of 5 GiB, within one day to 28`() {
        let limits = Limits().of(.ark)
        #expect(limits.inputBytesMax == 5 << 30 && limits.fileBytesMax == 5 << 30)
        #expect(limits.completionWindowSeconds == 86_400...2_419_200)
    }

    private func render(_ kind: OutcomeKind, status: Int = 0, request: String = "", body: String = "") -> String {
        var out: [UInt8] = []
        let outcome = Outcome(
            ordinal: 0, kind: kind, statusCode: status, customID: utf8(#""\u00e9""#)[...], requestID: request,
            body: utf8(body)[...])
        ResultLine.ark.append(outcome, id: utf8("7"), to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `that succeed have a response and no error`() {
        #expect(
            render(.success, status: 200, request: "r-1", body: #"{"a":1.0}"#)
                == #"{"id":"batch_req_7","custom_id":"\u00e9","response":{"request_id":"r-1","status_code":200,"#
                + #""body":{"a":1.0}},"error":null}"# + "\n")
        #expect(render(.success, status: 201, body: "1").contains(#"{"request_id":"batch_req_7","status_code":201,"#))
    }

    @Test(arguments: [
        (#"{"error":{"code":"InvalidParameter","message":"no","type":"BadRequest","param":""}}"#, 400,
            ["InvalidParameter", "BadRequest", "no"]),
        (#"{"error":{"message":"no","type":"odd","code":null}}"#, 400, ["odd", "odd", "no"]),
        (#"{"error":"full"}"#, 429, ["http_429", "TooManyRequests", "full"]),
        (#"{"message":"m","code":40301}"#, 403, ["40301", "Forbidden", "m"]),
        ("[]", 503, ["http_503", "InternalServerError", "The backend answered with status 503 and no message."]),
    ])
    func `that the backend refused have its code, type and message, and no response`(
        body: String, status: Int, words: [String]
    ) {
        #expect(
            render(.httpError, status: status, body: body)
                == #"{"id":"batch_req_7","custom_id":"\u00e9","response":null,"error":{"code":"\#(words[0])","#
                + #""type":"\#(words[1])","message":"\#(words[2])"}}"# + "\n")
    }

    @Test func `that were not run say so`() {
        #expect(
            render(.noResponse(code: "batch_cancelled", message: "m")).hasSuffix(
                #""response":null,"error":{"code":"batch_cancelled","type":"NotExecuted","message":"m"}}"# + "\n"))
        #expect(render(.noResponse(code: "x", message: "m")).contains(#""type":"InternalServerError""#))
    }
}
