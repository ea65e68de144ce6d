// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct LineRulesTests {
    /// `code param` of every problem of a line, in order.
    private func problems(_ line: String, _ rules: LineRules = chatRules()) -> [String] {
        check(line, rules).problems.map { "\($0.code) \($0.param ?? "-")" }
    }

    private func check(_ line: String, _ rules: LineRules) -> CheckedLine {
        var memo = LineMemo()
        return utf8(line).withUnsafeBytes { rules.check($0, number: 7, memo: &memo) }
    }

    /// A chat line with one field replaced by raw JSON; nil leaves the field out.
    private func line(
        id: String? = #""a""#, method: String? = #""POST""#, url: String? = #""/v1/chat/completions""#,
        body: String? = #"{"model":"m","messages":[]}"#
    ) -> String {
        let members = [("custom_id", id), ("method", method), ("url", url), ("body", body)]
        return "{" + members.compactMap { key, value in value.map { "\"\(key)\":\($0)" } }.joined(separator: ",") + "}"
    }

    @Test func `a good line has no problem`() {
        #expect(problems(line()) == [])
        #expect(problems(chatLine("中")) == [])
        #expect(problems(line(id: #""\u0000""#, url: #""\/v1\/chat\/completions""#)) == [])
        #expect(problems(#"{"x":{"y":1},"# + line().dropFirst()) == [])
    }

    @Test func `the sample lines of the vendors pass`() {
        let chat =
            #"{"custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "#
        #expect(
            problems(chat + #""messages": [{"role": "user", "content": "你好!"}],"max_completion_tokens": 1000}}"#) == [])
        let test = #"{"custom_id":"1","method":"POST","url":"/v1/chat/ds-test","body":{"model":"batch-test-model","#
        #expect(problems(test + #""messages":[]}}"#, chatRules("/v1/chat/ds-test")) == [])
        var ark = chatRules("/api/v3/chat/completions")
        (ark.requiresMethodAndURL, ark.requiresModel) = (false, false)
        #expect(problems(#"{"custom_id": "request-1", "body": {"messages": [], "top_p":1}}"#, ark) == [])
    }

    @Test func `the test model answers at its own endpoint only`() {
        let body = #"{"model":"batch-test-model","messages":[]}"#
        let away = ["model_not_found body.model"]
        #expect(problems(line(body: body)) == away)
        #expect(problems(line(url: #""/v1/chat/ds-test""#, body: body), chatRules("/v1/chat/ds-test")) == [])
        #expect(problems(line(url: #""/v1/embeddings""#, body: body)) == ["invalid_url url"])
        var ark = chatRules("/api/v3/chat/completions")
        ark.requiresMethodAndURL = false
        #expect(problems(line(method: nil, url: nil, body: body), ark) == away)
        var run = chatRules()
        run.allowsOtherURLs = true
        #expect(problems(line(url: #""/v1/nowhere""#, body: body), run) == away)
        #expect(problems(line(url: #""/v1/chat/ds-test""#, body: body), run) == [])
    }

    @Test(arguments: ["", "x", "{", "[1]", "\"a\"", "nul", "{}x", "{\"a\":01}", "\u{FEFF}{}"])
    func `a line that is no JSON object has one problem`(text: String) {
        #expect(problems(text) == ["invalid_json_line -"])
    }

    @Test func `every missing key has its own entry`() {
        #expect(
            problems("{}") == [
                "missing_required_parameter custom_id", "missing_required_parameter method",
                "missing_required_parameter url", "missing_required_parameter body",
            ])
        #expect(problems(line(method: nil)) == ["missing_required_parameter method"])
    }

    @Test func `keys of the wrong type are named`() {
        for wrong in ["null", "1", "[]", "{}", "true"] {
            #expect(problems(line(id: wrong)) == ["invalid_request custom_id"])
            #expect(problems(line(method: wrong)) == ["invalid_request method"])
            #expect(problems(line(url: wrong)) == ["invalid_request url"])
        }
        for wrong in ["null", "1", "[]", "\"{}\"", "true"] {
            #expect(problems(line(body: wrong)) == ["invalid_request body"])
        }
    }

    @Test func `custom ids are limited in unescaped bytes, inclusively`() {
        #expect(problems(line(id: #""""#)) == ["invalid_request custom_id"])
        #expect(problems(line(id: "\"" + String(repeating: "a", count: 512) + "\"")) == [])
        #expect(problems(line(id: "\"" + String(repeating: "a", count: 513) + "\"")) == ["invalid_request custom_id"])
        #expect(problems(line(id: "\"" + String(repeating: #"\u0061"#, count: 512) + "\"")) == [])
        #expect(
            problems(line(id: "\"" + String(repeating: #"\u0061"#, count: 513) + "\"")) == ["invalid_request custom_id"]
        )
        #expect(problems(line(id: "\"" + String(repeating: "é", count: 257) + "\"")) == ["invalid_request custom_id"])
        var rules = chatRules()
        rules.customIDCharactersMax = 256
        #expect(problems(line(id: "\"" + String(repeating: "é", count: 256) + "\""), rules) == [])
        #expect(
            problems(line(id: "\"" + String(repeating: "a", count: 257) + "\""), rules) == ["invalid_request custom_id"]
        )
    }

    @Test func `only POST is a method`() {
        for wrong in ["GET", "post", "POST ", ""] {
            #expect(problems(line(method: "\"\(wrong)\"")) == ["invalid_method method"])
        }
        #expect(problems(line(method: #""\u0050OST""#)) == [])
    }

    @Test func `the url is the endpoint exactly`() {
        for wrong in [
            "/v1/embeddings", "/v1/chat/completions/", "v1/chat/completions", "https://x/v1/chat/completions", "",
        ] {
            #expect(problems(line(url: "\"\(wrong)\"")) == ["invalid_url url"])
        }
    }

    @Test func `several endpoints are told apart by index`() {
        var rules = chatRules()
        rules.endpoints = ["/v1/chat/completions", "/v1/embeddings"]
        let embedding = line(url: #""/v1/embeddings""#, body: #"{"model":"m","input":"x"}"#)
        #expect(check(line(), rules).endpoint == 0)
        #expect(check(embedding, rules).endpoint == 1)
        #expect(problems(embedding, rules) == [])
        #expect(problems(line(url: #""/v1/embeddings""#), rules) == ["invalid_request body.input"])
        #expect(problems(line(url: #""/v1/x""#), rules) == ["invalid_url url"])
    }

    @Test func `the model is a known name`() {
        #expect(problems(line(body: #"{"messages":[]}"#)) == ["invalid_request body.model"])
        for wrong in ["null", "1", "[]", #""""#] {
            #expect(problems(line(body: #"{"model":\#(wrong),"messages":[]}"#)) == ["invalid_request body.model"])
        }
        #expect(problems(line(body: #"{"model":"unknown","messages":[]}"#)) == ["model_not_found body.model"])
        #expect(check(line(body: #"{"model":"\u006D","messages":[]}"#), chatRules()).model == "m")
    }

    @Test func `streaming is refused unless the rules allow it`() {
        func body(_ stream: String) -> String { line(body: #"{"model":"m","messages":[],"stream":\#(stream)}"#) }
        #expect(problems(body("false")) == [])
        #expect(problems(body("null")) == [])
        #expect(problems(body("true")) == ["streaming_unsupported body.stream"])
        #expect(problems(body(#""true""#)) == ["invalid_request body.stream"])
        #expect(problems(body("1")) == ["invalid_request body.stream"])
        var rules = chatRules()
        rules.allowsStream = true
        #expect(problems(body("true"), rules) == [])
        #expect(problems(body("1"), rules) == ["invalid_request body.stream"])
    }

    @Test(arguments: [
        ("/v1/chat/completions", "messages", "[]"), ("/v1/chat/ds-test", "messages", "[]"),
        ("/v1/embeddings", "input", #""x""#), ("/v1/completions", "prompt", #""x""#), ("/v1/responses", "input", "[]"),
        ("/v1/moderations", "input", #"["x"]"#), ("/api/v3/chat/completions", "messages", "[]"),
    ])
    func `every endpoint has a field it cannot do without`(endpoint: String, field: String, value: String) {
        let rules = chatRules(endpoint)
        func text(_ body: String) -> String { line(url: "\"\(endpoint)\"", body: body) }
        #expect(problems(text(#"{"model":"m","\#(field)":\#(value)}"#), rules) == [])
        #expect(problems(text(#"{"model":"m"}"#), rules) == ["invalid_request body.\(field)"])
        #expect(problems(text(#"{"model":"m","\#(field)":null}"#), rules) == ["invalid_request body.\(field)"])
        if field == "messages" {
            #expect(problems(text(#"{"model":"m","messages":"hi"}"#), rules) == ["invalid_request body.messages"])
        }
    }

    @Test func `endpoints without such a field need none`() {
        #expect(LineRules.requiredField(of: "/v1/images/generations") == nil)
        #expect(
            problems(line(url: #""/v1/score""#, body: #"{"model":"m","text_1":"x"}"#), chatRules("/v1/score")) == [])
    }

    @Test func `ambiguous keys are refused, unwatched ones pass`() {
        #expect(problems(#"{"custom_id":"b","# + line().dropFirst()) == ["invalid_request custom_id"])
        #expect(problems(#"{"x":1,"\u0078":2,"# + line().dropFirst()) == ["invalid_request x"])
        #expect(problems(line(body: #"{"model":"m","model":"m","messages":[]}"#)) == ["invalid_request body.model"])
        #expect(problems(line(body: #"{"model":"m","messages":[],"n":1,"n":2}"#)) == [])
        let many = (0...256).map { #""k\#($0)":0,"# }.joined()
        #expect(problems("{" + many + line().dropFirst()) == ["invalid_request -"])
    }

    @Test func `a line lists all its problems at once`() {
        let bad = #"{"custom_id":"","method":"GET","url":"/x","body":{"model":"unknown","stream":true}}"#
        #expect(
            problems(bad) == [
                "invalid_request custom_id", "invalid_method method", "invalid_url url", "model_not_found body.model",
                "streaming_unsupported body.stream", "invalid_request body.messages",
            ])
    }

    @Test func `a line is limited inclusively`() {
        var rules = chatRules()
        rules.lineBytesMax = line().utf8.count
        #expect(problems(line(), rules) == [])
        #expect(problems(line() + " ", rules) == ["line_too_long -"])
    }

    @Test func `messages name the line, what was found and the way out`() throws {
        let bad = line(url: #""/v1/embeddings""#)
        let problem = try #require(check(bad, chatRules()).problems.first)
        #expect(problem.line == 7)
        #expect(
            problem.message
                == "Line 7 has the url '/v1/embeddings', but the batch's endpoint is '/v1/chat/completions'. "
                + "Correct the line, or create a batch for that endpoint.")
        let broken = try #require(check(#"{"a":tru}"#, chatRules()).problems.first)
        #expect(
            broken.message == "Line 7 is not valid JSON: unexpected '}' at byte 8. "
                + "Every line must be one complete JSON object in UTF-8.")
    }

    @Test func `what users wrote is cut and made harmless in messages`() throws {
        let long = String(repeating: "x", count: 5_000)
        let problem = try #require(check(line(method: "\"\(long)\""), chatRules()).problems.first)
        #expect(problem.message.utf8.count < 250)
        #expect(LineProblem.shown("a\u{1B}[31m\n\u{202E}") == "'a\\u{1B}[31m\\u{A}\\u{202E}'")
        #expect(LineProblem.shown(6_291_456) == "6,291,456")
        #expect(LineProblem.shown(999) == "999")
    }
}
