// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct RequestLineTests {
    /// The line read, or why it is none.
    private func parse(_ text: String, otherKeysMax: Int = 256) -> Result<RequestLine, RequestLineFault> {
        utf8(text).withUnsafeBytes { bytes in
            do throws(RequestLineFault) {
                return .success(try RequestLine.parse(bytes, otherKeysMax: otherKeysMax))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The bytes of a field as text.
    private func raw(_ text: String, _ token: JSONToken?) -> String? {
        token.map { String(decoding: utf8(text)[$0.range], as: UTF8.self) }
    }

    @Test func `all fields are found at their exact bytes`() throws {
        let text =
            #" {"custom_id": "a\/1","method":"POST" ,"url":"/v1/x", "extra":[1],"# + #""body" : {"model":"m","#
            + #""stream":false,"messages":[{"role":"user"}],"input":"t","prompt":null,"n":1e400} } "#
        let line = try parse(text).get()
        #expect(raw(text, line.customID) == #""a\/1""#)
        #expect(line.customID?.hasEscapes == true)
        #expect(raw(text, line.method) == #""POST""#)
        #expect(raw(text, line.url) == #""/v1/x""#)
        #expect(raw(text, line.body)?.hasPrefix(#"{"model""#) == true)
        #expect(raw(text, line.body)?.hasSuffix("1e400}") == true)
        #expect(raw(text, line.model) == #""m""#)
        #expect(line.stream?.kind == .false)
        #expect(line.messages?.kind == .array)
        #expect(line.input?.kind == .string)
        #expect(line.prompt?.kind == .null)
        #expect(line.duplicateKeys.isEmpty)
    }

    @Test func `fields are only looked for at their own level`() throws {
        let line = try parse(#"{"model":"x","a":{"custom_id":"y"},"body":{"b":{"model":"z"},"custom_id":"q"}}"#).get()
        #expect(line.customID == nil)
        #expect(line.model == nil)
        #expect(line.duplicateKeys.isEmpty)
    }

    @Test func `keys are compared after unescaping`() throws {
        let text = #"{"c\u0075stom_id":"a","body":{"mod\u0065l":"m"}}"#
        let line = try parse(text).get()
        #expect(raw(text, line.customID) == #""a""#)
        #expect(raw(text, line.model) == #""m""#)
    }

    @Test(arguments: [
        (#"{"custom_id":"a","custom_id":"b"}"#, ["custom_id"]), (#"{"a":1,"\u0061":2}"#, ["a"]),
        (#"{"a":1,"a":2,"a":3,"b":1}"#, ["a"]), (#"{"method":1,"url":1,"method":2,"url":2}"#, ["method", "url"]),
        (#"{"body":{},"body":{"model":"m"}}"#, ["body"]), (#"{"body":{"model":"a","mode\u006C":"a"}}"#, ["body.model"]),
        (#"{"body":{"stream":false,"stream":true}}"#, ["body.stream"]), (#"{"a":1,"A":2,"":3}"#, []),
        (#"{"body":{"x":1,"x":2,"messages":1,"messages":2,"input":1,"input":2}}"#, []),
        ("{\"é\":1,\"e\u{301}\":2}", []), (#"{"é":1,"\u00e9":2}"#, ["é"]),
    ])
    func `duplicate keys are listed where they are ambiguous`(text: String, keys: [String]) throws {
        #expect(try parse(text).get().duplicateKeys == keys)
    }

    @Test func `of a duplicate key the first value is kept`() throws {
        let text = #"{"body":{"model":"a","model":"b"},"body":{"model":"c"},"custom_id":"1","custom_id":"2"}"#
        let line = try parse(text).get()
        #expect(raw(text, line.model) == #""a""#)
        #expect(raw(text, line.customID) == #""1""#)
        #expect(raw(text, line.body) == #"{"model":"a","model":"b"}"#)
    }

    @Test func `the keys that are remembered are limited`() throws {
        #expect(try !parse(#"{"a":1,"b":2,"custom_id":3}"#, otherKeysMax: 2).get().hasTooManyKeys)
        #expect(try parse(#"{"a":1,"b":2,"c":3}"#, otherKeysMax: 2).get().hasTooManyKeys)
    }

    @Test(arguments: [
        (#""text""#, 1), ("[]", 0), (#"["a","b","c"]"#, 3), ("[1,2,3]", 1), ("[[1,2],[3]]", 2), ("null", 1),
        (#"["a",1]"#, 2), (#"{"x":["a","b"]}"#, 1),
    ])
    func `texts to embed are counted by the form of input`(input: String, count: Int) throws {
        #expect(try parse(#"{"body":{"input":\#(input)}}"#).get().inputCount == count)
    }

    @Test func `input given twice counts twice`() throws {
        #expect(try parse(#"{"body":{"input":["a"],"input":["b","c"]}}"#).get().inputCount == 3)
    }

    @Test(arguments: [
        ("", RequestLineFault.notJSON(JSONFault(.unexpectedEnd, at: 0))), ("[]", .notObject(.array)),
        ("\"x\"", .notObject(.string)), ("null", .notObject(.null)), ("12", .notObject(.number)),
        ("{\"a\":1", .notJSON(JSONFault(.unexpectedEnd, at: 6))), ("{} x", .notJSON(JSONFault(.trailingBytes, at: 3))),
        ("[1", .notJSON(JSONFault(.unexpectedEnd, at: 2))),
        ("{\"body\":{\"input\":[\"\u{1}\"]}}", .notJSON(JSONFault(.controlCharacter(1), at: 19))),
    ])
    func `what is no JSON object is refused`(text: String, fault: RequestLineFault) {
        #expect(parse(text) == .failure(fault))
    }
}
