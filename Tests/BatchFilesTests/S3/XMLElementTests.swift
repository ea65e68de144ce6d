// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Testing

@Suite struct XMLElementTests {
    @Test func `what stores send is read: names, text, entities, sections, attributes and prefixes`() throws {
        let text = """
            \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
            <!-- a note -->
            <s3:List xmlns:s3='http://x/?a="b"' a = "1">
              <Key>a&amp;b&#x20;&lt;&#233;&gt;<![CDATA[<raw>&amp;]]></Key><Empty/><Empty  x="/>"></Empty>
              <Owner><ID>1</ID><!-- inside --></Owner>
            </s3:List >

            """
        let root = try XMLElement(parsing: Array(text.utf8))
        #expect(root.name == "List")
        #expect(root["Key"] == "a&b <é><raw>&amp;")
        #expect(root.all("Empty").map(\.text) == ["", ""])
        #expect(root.first("Owner")?["ID"] == "1")
        #expect(root["Nothing"] == nil)
    }

    @Test(arguments: [
        "", "   ", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "<a b></a>", "<a b=c/>", "<a b=\"c/>",
        "<a>&nbsp;</a>",
        "<a>&#xD800;</a>", "<a>& b</a>", "<a><![CDATA[x</a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<>x</>",
        "<html><br></html>", "<a", "</a>", "<a>&#99999999999;</a>",
    ])
    func `what is no document of a store is refused`(text: String) {
        #expect(throws: XMLProblem.self) { try XMLElement(parsing: Array(text.utf8)) }
    }

    @Test func `nesting has an end, and bytes must be text`() {
        let deep = String(repeating: "<a>", count: 10_000)
        #expect(throws: XMLProblem("it is nested too deep")) { try XMLElement(parsing: Array(deep.utf8)) }
        #expect(throws: XMLProblem("it is not UTF-8")) { try XMLElement(parsing: [0x3C, 0x61, 0xFF, 0x3E]) }
    }
}
