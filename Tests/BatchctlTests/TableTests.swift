// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchctl

struct TableTests {
    @Test func `columns are aligned, numbers to the right, wide characters counted twice`() {
        var table = Table([.init(title: "NAME"), .init(title: "SIZE", isNumber: true), .init(title: "NOTE")])
        table.rows = [["a", "1 B", ""], ["夜间", "100 kB", "x\ty"]]
        #expect(
            table.lines() == [
                "NAME    SIZE  NOTE",
                "a        1 B",
                "夜间  100 kB  x?y",
            ])
    }

    @Test func `control characters and turned text are made harmless`() {
        #expect(PlainText.safe("a\u{7}b\u{1B}c\r\nd\u{202E}e\u{9B}f") == "a?b?c??d?e?f")
        #expect(PlainText.safe("naïve 测试 👍") == "naïve 测试 👍")
    }

    @Test func `text is cut to columns, not characters`() {
        #expect(PlainText.fit("测试测试", width: 8) == "测试测试")
        #expect(PlainText.fit("测试测试", width: 7) == "测试测…")
        #expect(PlainText.fit("测试测试", width: 6) == "测试…")
        #expect(PlainText.fit("abc", width: 0) == "")
        #expect(PlainText.columns("e\u{301}👍") == 3)
    }
}
