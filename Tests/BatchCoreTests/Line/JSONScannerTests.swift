// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct JSONScannerTests {
    @Test(arguments: [
        ("{}", JSONKind.object), (" [ ] ", .array), ("\"\"", .string), ("0", .number), ("-0", .number),
        ("true", .true), ("false", .false), ("null", .null), ("\t\r\n1\n", .number), ("[1,2,[3,{\"a\":[]}]]", .array),
        (#"{"a":{"b":[true,false,null,"x",-1.5e+10]},"c":""}"#, .object), ("1E+2", .number), ("0.5e-3", .number),
        (#""\u0000""#, .string), (#""\"\\\/\b\f\n\r\t\uABCD\uabcd""#, .string), (#""\ud83d\ude00""#, .string),
        (#""\uD83D\uDE00""#, .string), ("\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"", .string),
        ("\"\u{2028}\u{85}\"", .string), ("{\"\":1,\"\":2}", .object), ("[0,0]", .array), ("9007199254740993", .number),
    ])
    func `strict JSON is accepted and its type told`(text: String, kind: JSONKind) {
        #expect(verdict(text) == .success(kind))
    }

    @Test func `numbers of any magnitude are accepted`() {
        #expect(verdict("1e400") == .success(.number))
        #expect(verdict(String(repeating: "9", count: 10_000)) == .success(.number))
        #expect(verdict("[-0.0,1e-7,18446744073709551616,0e0]") == .success(.array))
    }

    @Test(
        arguments: [
            ("", JSONFault.Kind.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1),
            ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("\"a", .unexpectedEnd, 2),
            ("{\"a\"", .unexpectedEnd, 4),
            ("{\"a\":", .unexpectedEnd, 5), ("\"\\", .unexpectedEnd, 2), ("-", .unexpectedEnd, 1),
            ("1.", .unexpectedEnd, 2),
            ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3), ("tru", .unexpectedEnd, 3), ("01", .badNumber, 0),
            ("-01", .badNumber, 1), ("00", .badNumber, 0), ("1.x", .badNumber, 2), ("1.e1", .badNumber, 2),
            ("1ex", .badNumber, 2), ("-a", .badNumber, 1), ("+1", .unexpectedByte(0x2B), 0),
            (".5", .unexpectedByte(0x2E), 0),
            ("NaN", .unexpectedByte(0x4E), 0), ("Infinity", .unexpectedByte(0x49), 0), ("-Infinity", .badNumber, 1),
            ("True", .unexpectedByte(0x54), 0), ("nulL", .unexpectedByte(0x4C), 3), ("truex", .trailingBytes, 4),
            ("{} {}", .trailingBytes, 3), ("1 2", .trailingBytes, 2), ("[1]]", .trailingBytes, 3),
            ("[1,]", .unexpectedByte(0x5D), 3), ("[,1]", .unexpectedByte(0x2C), 1), ("[1 2]", .unexpectedByte(0x32), 3),
            ("{\"a\":1,}", .unexpectedByte(0x7D), 7), ("{,}", .unexpectedByte(0x2C), 1),
            ("{a:1}", .unexpectedByte(0x61), 1),
            ("{\"a\" 1}", .unexpectedByte(0x31), 5), ("{1:1}", .unexpectedByte(0x31), 1),
            ("[1}", .unexpectedByte(0x7D), 2),
            ("{\"a\":1]", .unexpectedByte(0x5D), 6), ("'a'", .unexpectedByte(0x27), 0),
            ("// x", .unexpectedByte(0x2F), 0),
            ("\u{B}1", .unexpectedByte(0x0B), 0), ("\u{A0}1", .unexpectedByte(0xC2), 0),
            ("[1\u{0}]", .unexpectedByte(0), 2),
            ("\"a\u{1F}\"", .controlCharacter(0x1F), 2), ("\"\u{0}\"", .controlCharacter(0), 1),
            ("\"12345678\t\"", .controlCharacter(9), 9), ("\"\\x\"", .badEscape, 1), ("\"\\u12g4\"", .badEscape, 1),
            ("\"\\u123\"", .badEscape, 1), ("\"\\u\"", .badEscape, 1), ("\"\\U0041\"", .badEscape, 1),
            ("\"\\u0-11\"", .badEscape, 1), ("\"\\u\u{11}\u{12}\u{13}\u{14}\"", .badEscape, 1),
            (#""\ud800""#, .loneSurrogate, 1), (#""\udc00""#, .loneSurrogate, 1),
            (#""\uDFFF\uD800""#, .loneSurrogate, 1),
            (#""\ud800\u0041""#, .loneSurrogate, 1), (#""\ud800\n""#, .loneSurrogate, 1),
            (#""\ud800\ud800""#, .loneSurrogate, 1), (#""\ud800\ud800\udc00""#, .loneSurrogate, 1),
            (#""\ud800\udcg0""#, .badEscape, 7), (#""a\ud83d"#, .loneSurrogate, 2), ("\u{FEFF}1", .byteOrderMark, 0),
            (" \u{FEFF}1", .unexpectedByte(0xEF), 1),
        ] as [(String, JSONFault.Kind, Int)])
    func `what is not strict JSON is refused with its place`(text: String, kind: JSONFault.Kind, offset: Int) {
        #expect(verdict(text) == .failure(JSONFault(kind, at: offset)))
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE4, 0xB8], [0xE4, 0x41, 0x80], [0xE4, 0xB8, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x41],
            [0xF0, 0x9F, 0x41, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xFF], [0xFE],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused wherever they stand`(sequence: [UInt8]) {
        for lead in 0...17 {
            let prefix = [UInt8](repeating: 0x61, count: lead)
            #expect(verdict([0x22] + prefix + sequence + [0x22]) == .failure(JSONFault(.invalidUTF8, at: lead + 1)))
            let cut = verdict([0x22] + prefix + sequence)
            #expect(cut == .failure(JSONFault(.invalidUTF8, at: lead + 1)))
        }
    }

    @Test func `every special byte is seen at every place of a word`() {
        for length in 0...24 {
            for at in 0..<length {
                for special in [0x22, 0x5C, 0x00, 0x1F, 0x80, 0xFF] as [UInt8] {
                    var text = [0x22] + [UInt8](repeating: 0x7F, count: length) + [0x22]
                    text[at + 1] = special
                    guard case .failure(let fault) = verdict(text) else {
                        Issue.record("\(special) at \(at) of \(length) was accepted")
                        continue
                    }
                    // A backslash in front of the closing quote leaves the string open to the end.
                    let isOpen = special == 0x5C && at == length - 1
                    #expect(fault.offset == (isOpen ? length + 2 : special == 0x22 ? at + 2 : at + 1))
                }
            }
        }
    }

    @Test func `depth is limited inclusively and without recursion`() {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x5B, count: depth) + [UInt8](repeating: 0x5D, count: depth)
        }
        for limit in [1, 2, 63, 64, 65, 127, 128, 129, 200, 1_000] {
            #expect(verdict(nested(limit), depthMax: limit) == .success(.array))
            #expect(verdict(nested(limit + 1), depthMax: limit) == .failure(JSONFault(.tooDeep(limit), at: limit)))
        }
        #expect(verdict(nested(100_000)) == .failure(JSONFault(.tooDeep(128), at: 128)))
        #expect(verdict(utf8("[]"), depthMax: 0) == .failure(JSONFault(.tooDeep(0), at: 0)))
    }

    @Test func `objects and arrays mixed deeper than a word keep their brackets apart`() {
        let opening = (0..<100).map { $0 % 3 == 0 ? #"{"a":"# : "[" }
        let closing = (0..<100).reversed().map { $0 % 3 == 0 ? "}" : "]" }
        #expect(verdict((opening + ["1"] + closing).joined()).isSuccess)
        for wrong in 0..<100 {
            var broken = closing
            broken[wrong] = broken[wrong] == "}" ? "]" : "}"
            #expect(!verdict((opening + ["1"] + broken).joined()).isSuccess)
        }
    }

    @Test func `members are told with their keys and exact ranges`() throws {
        let text = utf8(#" { "a" : 1.5 , "b\u0063":[1, {"x":2}],"": "y\n" } "#)
        var found: [String] = []
        try text.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            try scanner.start()
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                let value = try scanner.value()
                found.append(
                    String(decoding: scanner.raw(key), as: UTF8.self) + "=" + value.kind.rawValue + ":"
                        + String(decoding: scanner.raw(value), as: UTF8.self) + (value.hasEscapes ? "!" : ""))
            }
            try scanner.finish()
        }
        #expect(found == [#""a"=number:1.5"#, #""b\u0063"=array:[1, {"x":2}]"#, #"""=string:"y\n"!"#])
    }

    @Test func `members and elements count towards the depth`() {
        let text = utf8(#"{"a":[[1]]}"#)
        for (limit, isAccepted) in [(2, false), (3, true)] {
            let result = text.withUnsafeBytes { bytes in
                Result {
                    var scanner = JSONScanner(bytes, depthMax: limit)
                    try scanner.members { (scanner: inout JSONScanner, _: JSONToken) throws(JSONFault) in
                        try scanner.elements { (scanner: inout JSONScanner) throws(JSONFault) in
                            _ = try scanner.value()
                        }
                    }
                    try scanner.finish()
                }
            }
            #expect(result.isSuccess == isAccepted)
        }
    }

    @Test func `faults read as a sentence part`() {
        #expect(JSONFault(.unexpectedByte(0x7D), at: 7).description == "unexpected '}' at byte 7")
        #expect(JSONFault(.unexpectedByte(0), at: 7).description == "unexpected 0x00 at byte 7")
        for kind in [
            .unexpectedEnd, .trailingBytes, .badEscape, .loneSurrogate, .invalidUTF8, .badNumber, .tooDeep(3),
            .byteOrderMark, .controlCharacter(1),
        ] as [JSONFault.Kind] {
            #expect(JSONFault(kind, at: 42).description.contains("byte 42"))
        }
    }
}

extension Result {
    /// Whether it is a success.
    var isSuccess: Bool {
        if case .success = self { true } else { false }
    }
}
