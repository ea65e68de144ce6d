// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct JSONTextTests {
    /// The text of a token, or nil.
    private func text(_ token: String) -> String? {
        utf8(token).withUnsafeBytes { JSONText.string($0) }
    }

    @Test(arguments: [
        (#""""#, ""), (#""abc""#, "abc"), (#""\u0061\"\\\/""#, "a\"\\/"), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"),
        (#""x\u0000y""#, "x\u{0}y"), (#""\u00e9\u4E2d""#, "é中"), (#""\ud83d\ude00!""#, "😀!"),
        (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""中\n文""#, "中\n文"),
    ])
    func `string tokens are unescaped`(token: String, expected: String) {
        #expect(text(token) == expected)
    }

    @Test(arguments: [
        "", "\"", "a", "\"a", "a\"", #""\""#, #""\q""#, #""\u12""#, #""\u12x4""#, #""\ud800""#, #""\udc00""#,
        #""\ud800\u0041""#, #""\ud800\n""#,
    ])
    func `what is no string token has no text and does not trap`(token: String) {
        #expect(text(token) == nil)
    }

    @Test func `escaping and unescaping any text gives it back`() {
        let everything = String(String.UnicodeScalarView((0..<0x300).compactMap { Unicode.Scalar($0 as UInt32) }))
        for sample in ["", "a", "\"\\\u{0}\u{1F}/\u{7F}", everything, "中😀\u{2028}"] {
            var out: [UInt8] = []
            JSONText.appendString(sample, to: &out)
            #expect(verdict(out) == .success(.string))
            #expect(out.withUnsafeBytes { JSONText.string($0) } == sample)
        }
    }

    @Test func `escapes are the short ones where there are any`() {
        var out: [UInt8] = []
        JSONText.appendString("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}é", to: &out)
        #expect(String(decoding: out, as: UTF8.self) == #""\"\\/\b\f\n\r\t\u0000\u001fé""#)
    }
}
