// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import batchctl

@Suite struct `Comma-separated values` {
    /// The records of a text that arrives in pieces of `size` bytes.
    private func read(_ text: String, size: Int = .max, recordBytesMax: Int = 1_000) throws -> [[String]] {
        try records(text, size: size, recordBytesMax: recordBytesMax).map { record in
            record.fields.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private func records(_ text: String, size: Int = .max, recordBytesMax: Int = 1_000) throws -> [CSVRecord] {
        var reader = CSVReader(recordBytesMax: recordBytesMax)
        var found: [CSVRecord] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: min(size, max(bytes.count, 1))) {
            try Array(bytes[start..<min(start + min(size, bytes.count), bytes.count)]).withUnsafeBytes {
                try reader.feed($0) { found.append($0) }
            }
        }
        try reader.finish { found.append($0) }
        return found
    }

    private static let cases: [(String, [[String]])] = [
        ("", []), ("a", [["a"]]), ("a,b\n", [["a", "b"]]), ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
        ("a\rb\rc", [["a"], ["b"], ["c"]]), ("a,\n,b\n", [["a", ""], ["", "b"]]), (",", [["", ""]]),
        ("1,\"two\nlines, and a comma\"\n2,x\n", [["1", "two\nlines, and a comma"], ["2", "x"]]),
        ("1,\"say \"\"hi\"\"\"\n", [["1", "say \"hi\""]]), ("\"\",\"\"", [["", ""]]),
        ("a\n\nb\n", [["a"], [""], ["b"]]),
        ("1,\"CR\r\nLF\"\r\n2,y\r\n", [["1", "CR\r\nLF"], ["2", "y"]]), ("5\"disk,x\n", [["5\"disk", "x"]]),
        ("题目,\"你好,😀\"\n", [["题目", "你好,😀"]]), (" a , \"b\" \n", [[" a ", " \"b\" "]]),
        ("1,\"\"\"\"\n", [["1", "\""]]), ("a,\"b\"", [["a", "b"]]),
    ]

    @Test(arguments: cases.indices) func `are cut into records, wherever the pieces end`(index: Int) throws {
        let (text, wanted) = Self.cases[index]
        for size in [1, 2, 3, 7, 1_000] { #expect(try read(text, size: size) == wanted, "\(text) by \(size)") }
    }

    @Test func `know the line in which a record begins`() throws {
        let text = "a,1\r\n\"b\r\nb\",2\nc,\"x\ny\nz\"\rd,4"
        #expect(try records(text).map(\.line) == [1, 2, 4, 7])
        #expect(try records(text, size: 1).map(\.line) == [1, 2, 4, 7])
    }

    @Test func `say where a quote is wrong`() throws {
        let open = #expect(throws: TextFault.self) { try read("a,b\nc,\"d\ne\n") }
        #expect(open?.line == 2 && open?.column == 3 && open?.reason.contains("no closing quote") ?? false)
        let behind = #expect(throws: TextFault.self) { try read("a,\"题\"x\n") }
        #expect(behind?.line == 1 && behind?.column == 6 && behind?.reason.contains("closing quote") ?? false)
        let long = #expect(throws: TextFault.self) {
            try read("a\nb,\"" + String(repeating: "x\n", count: 40), recordBytesMax: 50)
        }
        #expect(long?.line == 2 && long?.reason.contains("--max-record-bytes") ?? false)
    }

    @Test func `are written so that they are read as they were`() throws {
        let rows = [["a", "", "b,c"], ["quote \" and\r\nbreak\n", "题", " x "], ["", "", ""], ["=1+1", "\r", ","]]
        var out: [UInt8] = []
        for row in rows { CSVWriter.append(row.map { Array($0.utf8) }, to: &out) }
        let text = String(decoding: out, as: UTF8.self)
        #expect(text.hasPrefix("a,,\"b,c\"\r\n\"quote \"\" and\r\nbreak\n\",题, x \r\n,,\r\n"))
        for size in [1, 5, 1_000] { #expect(try read(text, size: size) == rows) }
    }
}

@Suite struct `Encodings of spreadsheets` {
    private func convert(_ bytes: [UInt8], _ converter: TextConverter) -> ([UInt8], TextConverter.End) {
        var out: [UInt8] = []
        let end = bytes.withUnsafeBytes { converter.append($0, to: &out) }
        return (out, end)
    }

    @Test func `are converted both ways`() throws {
        let gbk: [UInt8] = [0xC4, 0xE3, 0xBA, 0xC3, 0x2C, 0x61]
        let (text, end) = convert(gbk, try TextConverter(decoding: .gbk))
        #expect(String(decoding: text, as: UTF8.self) == "你好,a" && end == .complete)
        let (back, ending) = convert(text, try TextConverter(encoding: .gbk))
        #expect(back == gbk && ending == .complete)
        let long = String(repeating: "通义千问", count: 50_000)
        let (big, _) = convert(Array(long.utf8), try TextConverter(encoding: .gbk))
        #expect(big.count == 400_000)
        #expect(convert(big, try TextConverter(decoding: .gbk)).0 == Array(long.utf8))
    }

    @Test func `tell unfinished characters from impossible ones`() throws {
        let decoder = try TextConverter(decoding: .utf8)
        #expect(convert(Array("a你".utf8.dropLast()), decoder).1 == .unfinished(at: 1))
        #expect(convert([0x61, 0xFF, 0x62], decoder).1 == .impossible(at: 1))
        #expect(convert([0x61, 0xED, 0xA0, 0x80], decoder).1 == .impossible(at: 1))
        #expect(convert([0x61, 0xC4], try TextConverter(decoding: .gbk)).1 == .unfinished(at: 1))
        let (out, end) = convert(Array("好😀".utf8), try TextConverter(encoding: .gbk))
        #expect(out == [0xBA, 0xC3] && end == .impossible(at: 3))
    }
}
