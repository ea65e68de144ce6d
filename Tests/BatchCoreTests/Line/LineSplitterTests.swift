// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct LineSplitterTests {
    /// `number@offset:text` of every line, `number@offset#length` where it was too long.
    private func lines(_ file: [UInt8], cuts: [Int] = [], lineBytesMax: Int = 100) throws -> [String] {
        var splitter = LineSplitter(lineBytesMax: lineBytesMax)
        var found: [String] = []
        let take = { (line: FileLine) in
            let start = "\(line.number)@\(line.offset)"
            found.append(
                line.isTooLong
                    ? "\(start)#\(line.byteCount)" : start + ":" + String(decoding: line.bytes, as: UTF8.self))
            #expect(line.isTooLong ? line.bytes.isEmpty : line.bytes.count == line.byteCount)
        }
        var from = 0
        for cut in cuts + [file.count] {
            let chunk = Array(file[from..<cut])
            try chunk.withUnsafeBytes { try splitter.feed($0, take) }
            from = cut
        }
        try splitter.finish(take)
        return found + (splitter.format.map { ["refused \($0)"] } ?? [])
    }

    private func lines(_ file: String, lineBytesMax: Int = 100) throws -> [String] {
        try lines(utf8(file), lineBytesMax: lineBytesMax)
    }

    @Test func `LF and CRLF end lines and the last needs neither`() throws {
        #expect(try lines("") == [])
        #expect(try lines("a") == ["1@0:a"])
        #expect(try lines("a\n") == ["1@0:a"])
        #expect(try lines("a\r\nb\n\nc\r\n") == ["1@0:a", "2@3:b", "3@5:", "4@6:c"])
        #expect(try lines("\n\n") == ["1@0:", "2@1:"])
        #expect(try lines("\r\n") == ["1@0:"])
    }

    @Test func `other line breaks are content`() throws {
        #expect(try lines("a\rb\u{2028}c\u{85}d\u{B}e\u{C}f\n") == ["1@0:a\rb\u{2028}c\u{85}d\u{B}e\u{C}f"])
        #expect(try lines("a\r\r\nb\r") == ["1@0:a\r", "2@4:b\r"])
    }

    @Test func `a byte order mark is dropped at the start only`() throws {
        #expect(try lines("\u{FEFF}abcdef\n\u{FEFF}x") == ["1@3:abcdef", "2@10:\u{FEFF}x"])
        #expect(try lines("\u{FEFF}") == [])
        #expect(try lines("\u{FEFF}\n") == ["1@3:"])
        #expect(try lines("\u{FEFF}\u{FEFF}") == ["1@3:\u{FEFF}"])
    }

    @Test func `too long lines are skipped with their length and number`() throws {
        #expect(try lines("12345\n", lineBytesMax: 5) == ["1@0:12345"])
        #expect(try lines("12345", lineBytesMax: 5) == ["1@0:12345"])
        #expect(try lines("12345\r\nx", lineBytesMax: 5) == ["1@0:12345", "2@7:x"])
        #expect(try lines("123456\nx\n", lineBytesMax: 5) == ["1@0#6", "2@7:x"])
        #expect(try lines("12345\r", lineBytesMax: 5) == ["1@0#6"])
        #expect(try lines("\u{FEFF}12345\n123456", lineBytesMax: 5) == ["1@3:12345", "2@9#6"])
    }

    @Test func `every way to cut a file gives the same lines`() throws {
        let texts = [
            "\u{FEFF}ab\r\n\r\n中😀\r\n1234567\r\n12345\r\n12345\r123456\nx\r", "a\nb\n\n\n", "\r\n\r\n",
            "12345\r\n12345",
        ]
        for text in texts {
            let file = utf8(text)
            let whole = try lines(file, lineBytesMax: 7)
            for first in 0...file.count {
                for second in first...file.count {
                    #expect(try lines(file, cuts: [first, second], lineBytesMax: 7) == whole)
                }
            }
            #expect(try lines(file, cuts: Array(0...file.count), lineBytesMax: 7) == whole)
        }
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x7B, 0x00], FileFormat.utf16), ([0xFE, 0xFF, 0x00, 0x7B], .utf16), ([0x7B, 0x00], .utf16),
            ([0x00, 0x7B, 0x00], .utf16), ([0x1F, 0x8B, 0x08], .gzip), ([0x50, 0x4B, 0x03, 0x04, 0x14, 0, 0], .zip),
            ([0x28, 0xB5, 0x2F, 0xFD], .zstd), ([0x42, 0x5A, 0x68, 0x39], .bzip2),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0x00], .xz), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip),
            ([0x25, 0x50, 0x44, 0x46, 0x2D, 0x31, 0x2E], .pdf), (Array("<!DOCTYPE html>\n".utf8), .page),
            (Array("<html>".utf8), .page), (Array("<?xml".utf8), .page),
        ] as [([UInt8], FileFormat)])
    func `files that are no text are recognised however they are cut`(file: [UInt8], format: FileFormat) throws {
        for cut in 0...file.count {
            #expect(try lines(file, cuts: [cut]) == ["refused \(format)"])
        }
        #expect(try lines(file, cuts: Array(0...file.count)) == ["refused \(format)"])
    }

    @Test func `newlines are found at every place and distance`() {
        for length in 0...80 {
            for at in 0...length {
                var bytes = [UInt8](repeating: 0x0B, count: length)
                if at < length { bytes[at] = 0x0A }
                for from in 0...length {
                    let expected = at < length && at >= from ? at : nil
                    #expect(bytes.withUnsafeBytes { ByteSearch.newline(in: $0, from: from) } == expected)
                }
            }
        }
    }
}
