// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

/// What `BodyEdit` makes of a body, as text.
private func edited(_ body: String, model: String? = nil, dropsNulls: Bool = true) throws -> String {
    String(
        decoding: try BodyEdit.edited(Array(body.utf8), model: model, dropsNulls: dropsNulls), as: UTF8.self)
}

@Suite struct BodyEditTests {
    @Test(arguments: [
        (#"{"a":null}"#, "{}"), (#"{ "a" : null }"#, "{  }"), (#"{"a":null,"b":1}"#, #"{"b":1}"#),
        (#"{"a":1,"b":null}"#, #"{"a":1}"#), (#"{"a":1,"b":null,"c":2}"#, #"{"a":1,"c":2}"#),
        (#"{"a":null,"b":null,"c":2}"#, #"{"c":2}"#), (#"{"a":1,"b":null,"c":null}"#, #"{"a":1}"#),
        (#"{"a":null,"b":1,"c":null,"d":2,"e":null}"#, #"{"b":1,"d":2}"#),
        ("{\"a\": 1,\n \"b\" : null ,\n \"c\": 2}", "{\"a\": 1 ,\n \"c\": 2}"), ("{}", "{}"), (" { } ", " { } "),
        (#"{"x":[null,{"y":null}],"z":{"y":null}}"#, #"{"x":[null,{"y":null}],"z":{"y":null}}"#),
        (#"{"\u0061":null,"b":"null"}"#, #"{"b":"null"}"#),
    ])
    func `members of the body that say null are left out and nothing else changes`(body: String, wanted: String) throws
    {
        #expect(try edited(body) == wanted)
    }

    @Test(arguments: [
        (
            #"{"messages":[{"role":"user","name":null,"content":"x"}],"n":null}"#,
            #"{"messages":[{"role":"user","content":"x"}]}"#
        ),
        (
            #"{"messages":[{"name":null,"role":"user","content":[{"text":null}]},null,"s",{"a":null}]}"#,
            #"{"messages":[{"role":"user","content":[{"text":null}]},null,"s",{}]}"#
        ),
        (#"{"messages":{"name":null}}"#, #"{"messages":{"name":null}}"#),
        (#"{"messages":null,"mess\u0061ges":[{"a":null}]}"#, #"{"mess\u0061ges":[{}]}"#),
    ])
    func `members of messages that say null are left out, deeper ones stay`(body: String, wanted: String) throws {
        #expect(try edited(body) == wanted)
    }

    @Test(arguments: [
        (#"{"model":"ep-1","n":1}"#, #"{"model":"m \"q\"","n":1}"#), (#"{"n":1}"#, #"{"model":"m \"q\"","n":1}"#),
        ("{}", #"{"model":"m \"q\""}"#), (#"{"n":null}"#, #"{"model":"m \"q\""}"#),
        (#"{"a":null,"model" : null , "n":1}"#, #"{"model" : "m \"q\"" , "n":1}"#),
        (#"{"model":"a","model":"b"}"#, #"{"model":"m \"q\"","model":"m \"q\""}"#),
        (#"{"m\u006fdel":{"x":[1]},"n":null}"#, #"{"m\u006fdel":"m \"q\""}"#),
        (#"{"messages":[{"model":null,"m":1}]}"#, #"{"model":"m \"q\"","messages":[{"m":1}]}"#),
    ])
    func `the model is replaced where it stands or comes first`(body: String, wanted: String) throws {
        #expect(try edited(body, model: #"m "q""#) == wanted)
    }

    @Test func `without nulls to drop and a model to set every byte stays`() throws {
        let body = " {\"b\" : null,\t\"n\":1e400 , \"messages\":[ {\"x\":null} ] }\n"
        #expect(try edited(body, dropsNulls: false) == body)
        #expect(try edited(#"{"model":null}"#, model: "x", dropsNulls: false) == #"{"model":"x"}"#)
    }

    @Test func `a part of a line is edited like a body of its own`() throws {
        let line = Array(#"{"body":{"a":null,"b":1}}"#.utf8)
        let edited = try BodyEdit.edited(line[8..<(line.count - 1)], model: "m", dropsNulls: true)
        #expect(String(decoding: edited, as: UTF8.self) == #"{"model":"m","b":1}"#)
    }

    @Test func `what is no JSON object is refused with the reason`() {
        #expect(throws: RequestLineFault.notObject(.array)) { try edited("[null]") }
        #expect(throws: RequestLineFault.notJSON(JSONFault(.unexpectedEnd, at: 5))) { try edited(#"{"a":"#) }
        #expect(throws: RequestLineFault.notJSON(JSONFault(.unexpectedByte(UInt8(ascii: "x")), at: 8))) {
            try edited(#"{"a":nulx}"#)
        }
        #expect(throws: RequestLineFault.notJSON(JSONFault(.trailingBytes, at: 3))) { try edited("{} {}") }
        #expect(throws: RequestLineFault.notJSON(JSONFault(.unexpectedByte(UInt8(ascii: "}")), at: 10))) {
            try edited(#"{"a":null,}"#)
        }
    }

    @Test func `the edited text is JSON whatever the text was, and dropping twice changes nothing more`() throws {
        var generator = JSONTextGenerator(seed: 6)
        var edits = 0
        for _ in 0..<4_000 {
            let value = generator.next()
            let text = Array(#"{"n":null,"messages":[{"name":null,"content":"#.utf8) + value + Array("}]}".utf8)
            guard case .success = verdict(value, depthMax: 100) else { continue }
            let once = try BodyEdit.edited(text, model: "m", dropsNulls: true)
            #expect(verdict(once) == .success(.object))
            #expect(try BodyEdit.edited(once, model: "m", dropsNulls: true) == once)
            edits += 1
        }
        #expect(edits > 500)
    }
}
