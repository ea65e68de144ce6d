// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct FileCheckTests {
    /// `line code param` of every problem.
    private func problems(_ file: String, rules: LineRules = chatRules(), limits: FileLimits = FileLimits()) throws
        -> [String]
    {
        try validate(utf8(file), rules: rules, limits: limits).verdict.problems.map {
            "\($0.line.map(String.init) ?? "-") \($0.code) \($0.param ?? "-")"
        }
    }

    private func limits(_ change: (inout FileLimits) -> Void) -> FileLimits {
        var limits = FileLimits()
        change(&limits)
        return limits
    }

    @Test func `accepted lines carry number, ordinal, offset and exact bytes`() throws {
        let file = "\u{FEFF}\n" + chatLine("a") + "\r\n  \t\n" + chatLine(#"b\u00e9"#)
        let (verdict, lines, texts) = try validate(utf8(file))
        #expect(verdict.problems.isEmpty)
        #expect(verdict.lineCount == 4)
        #expect(verdict.requestCount == 2)
        #expect(verdict.model == "m")
        #expect(lines.map(\.number) == [2, 4])
        #expect(lines.map(\.ordinal) == [0, 1])
        #expect(lines.map(\.offset) == [4, Int64(4 + chatLine("a").utf8.count + 2 + 4)])
        #expect(lines.map(\.model) == ["m", "m"])
        #expect(lines.map(\.endpoint) == [0, 0])
        let body = #"{"model":"m","messages":[]}"#
        #expect(texts == [#""a""#, body, #""b\u00e9""#, body])
    }

    @Test func `every way to cut a tricky file gives the same result`() throws {
        let file = utf8(
            "\u{FEFF}" + chatLine("中😀") + "\r\n\n" + chatLine("b", model: "x") + "\n{\r}\n \u{FEFF}\n" + chatLine("中😀")
                + "\n\u{2028}\n" + chatLine("c"))
        let whole = try validate(file)
        #expect(whole.verdict.problems.count == 8)
        for cut in 0...file.count {
            let parts = try validate(file, cuts: [cut])
            #expect(parts.verdict == whole.verdict)
            #expect(parts.lines == whole.lines)
            #expect(parts.texts == whole.texts)
        }
        let single = try validate(file, cuts: Array(0...file.count))
        #expect(single.verdict == whole.verdict)
        #expect(single.texts == whole.texts)
    }

    @Test func `blank lines are counted but are no requests`() throws {
        #expect(try problems("\n \t \n\r\n" + "{}\n").allSatisfy { $0.hasPrefix("4 ") })
        for empty in ["", "\n", " \r\n\t\n", "\u{FEFF}", "\u{FEFF}\n"] {
            #expect(try problems(empty) == ["- empty_file -"])
        }
        #expect(try problems("\u{B}\n\u{C}\n\u{A0}") == (1...3).map { "\($0) invalid_json_line -" })
    }

    @Test func `models are compared with the first line's`() throws {
        let file = [chatLine("a"), chatLine("b", model: "n"), chatLine("c"), chatLine("d", model: "M")]
        let text = file.joined(separator: "\n")
        #expect(try problems(text) == ["2 mismatched_model body.model", "4 mismatched_model body.model"])
        let message = try #require(try validate(utf8(text)).verdict.problems.first).message
        #expect(message.contains("'n'") && message.contains("line 1 asks for 'm'"))
        var rules = chatRules()
        rules.requiresOneModel = false
        #expect(try problems(text, rules: rules) == [])
        #expect(try validate(utf8(text), rules: rules).lines.map(\.model) == ["m", "n", "m", "M"])
    }

    @Test func `the first line that has a model sets it`() throws {
        let file = "{\n" + chatLine("a", model: "n") + "\n" + chatLine("b")
        #expect(try problems(file) == ["1 invalid_json_line -", "3 mismatched_model body.model"])
    }

    @Test func `duplicate ids name both lines, escapes resolved and normal forms apart`() throws {
        let ids = ["a", "b", #"\u0061"#, "é", "e\u{301}", #"\u00E9"#, "A", "a "]
        let text = ids.map { chatLine($0) }.joined(separator: "\n")
        #expect(try problems(text) == ["3 duplicate_custom_id custom_id", "6 duplicate_custom_id custom_id"])
        let message = try #require(try validate(utf8(text)).verdict.problems.first).message
        #expect(message.contains("Line 3") && message.contains("line 1") && message.contains("'a'"))
    }

    @Test func `ids of bad lines count as taken`() throws {
        let bad = #"{"custom_id":"a","body":{"model":"m","messages":[]}}"#
        #expect(try problems(bad + "\n" + chatLine("a")).last == "2 duplicate_custom_id custom_id")
    }

    @Test func `equal hashes are decided by the bytes read back`() throws {
        var table = CustomIDTable()
        let place = { (line: Int) in CustomIDTable.Place(line: line, offset: Int64(line) << 40, length: 60_000 + line) }
        let first = try table.insert(hash: 5, at: place(1)) { _ in throw LostFile() }
        #expect(first == nil)
        #expect(table.insert(hash: 5, at: place(2)) { _ in false } == nil)
        var asked: [CustomIDTable.Place] = []
        let found = table.insert(hash: 5, at: place(3)) { earlier in
            asked.append(earlier)
            return earlier.line == 2
        }
        #expect(found == place(2))
        #expect(asked == [place(1), place(2)])
        #expect(table.count == 2)
        #expect(table.insert(hash: 0, at: place(4)) { _ in false } == nil)
        #expect(table.insert(hash: 0, at: place(5)) { _ in true } == place(4))
    }

    /// What a reader throws that lost its file.
    private struct LostFile: Error {}

    @Test func `a failing read back fails the check`() throws {
        var check = FileCheck(rules: chatRules(), limits: FileLimits(), key: HashKey(low: 1, high: 2)) { _, _ in
            throw LostFile()
        }
        func take(_ number: Int) throws -> AcceptedLine? {
            try utf8(chatLine("a")).withUnsafeBytes { bytes in
                try check.take(FileLine(number: number, offset: 0, bytes: bytes, byteCount: bytes.count))
            }
        }
        #expect(try take(1) != nil)
        #expect(throws: LostFile.self) { _ = try take(2) }
    }

    @Test func `a hundred thousand ids are told apart and a repeat among them is found`() throws {
        let count = 100_000
        let file = (0..<count).map { chatLine("request-\($0)") } + [chatLine("request-4711")]
        let result = try validate(utf8(file.joined(separator: "\n")), limits: limits { $0.linesMax = 0 })
        #expect(result.verdict.problems.map(\.code) == ["duplicate_custom_id"])
        #expect(result.verdict.problems.first?.message.contains("line 4712") == true)
        #expect(result.lines.count == count)
    }

    @Test func `the table of ids takes at most 32 bytes per id`() {
        var table = CustomIDTable()
        var generator = SeededGenerator(state: 3)
        var worst = 0.0
        for line in 1...200_000 {
            let place = CustomIDTable.Place(line: line, offset: Int64(line), length: 10)
            _ = table.insert(hash: generator.next(), at: place) { _ in false }
            // Growing steps of a quarter: sampling every few thousand sees the fullest and the emptiest table.
            if line > 20_000, line % 1_000 == 0 { worst = max(worst, Double(table.byteCount) / Double(line)) }
        }
        #expect(table.count == 200_000)
        #expect(worst <= 32)
    }

    @Test func `the number of lines is limited inclusively and every line is counted`() throws {
        let three = (1...3).map { chatLine("\($0)") }.joined(separator: "\n")
        #expect(try problems(three, limits: limits { $0.linesMax = 3 }) == [])
        #expect(try problems(three, limits: limits { $0.linesMax = 2 }) == ["- too_many_requests -"])
        let many = three + "\nbad\n" + three
        let verdict = try validate(utf8(many), limits: limits { $0.linesMax = 2 }).verdict
        #expect(verdict.requestCount == 7)
        #expect(verdict.problems.map(\.code) == ["too_many_requests"])
        #expect(verdict.problems.first?.message.contains("has 7 requests; a batch may have at most 2.") == true)
        #expect(try problems(three, limits: limits { $0.linesMax = 0 }) == [])
    }

    @Test func `embedding inputs are counted over all lines`() throws {
        func line(_ id: Int, _ input: String) -> String {
            #"{"custom_id":"\#(id)","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":\#(input)}}"#
        }
        let file = [line(1, #""x""#), line(2, #"["a","b"]"#), line(3, "[1,2,3]")].joined(separator: "\n")
        let rules = chatRules("/v1/embeddings")
        #expect(try validate(utf8(file), rules: rules).verdict.embeddingInputs == 4)
        #expect(try problems(file, rules: rules, limits: limits { $0.embeddingInputsMax = 4 }) == [])
        #expect(
            try problems(file, rules: rules, limits: limits { $0.embeddingInputsMax = 3 }) == [
                "- too_many_requests body.input"
            ])
        #expect(try problems(file, rules: rules, limits: limits { $0.embeddingInputsMax = 0 }) == [])
        #expect(try validate(utf8(chatLine("a"))).verdict.embeddingInputs == 0)
    }

    @Test func `problems are capped and the last entry counts the cut ones`() throws {
        let file = String(repeating: "bad\n", count: 12)
        #expect(try problems(file, limits: limits { $0.problemsMax = 12 }).count == 12)
        let capped = try validate(utf8(file), limits: limits { $0.problemsMax = 5 }).verdict.problems
        #expect(capped.map(\.line) == [1, 2, 3, 4, nil])
        #expect(capped.last?.code == "problems_cut")
        #expect(capped.last?.message.hasPrefix("8 more problems") == true)
        let one = try validate(utf8(file), limits: limits { $0.problemsMax = 1 }).verdict.problems
        #expect(one.map(\.code) == ["problems_cut"])
        #expect(one.first?.message.hasPrefix("12 more") == true)
    }

    @Test func `file-wide problems come first and survive the cap`() throws {
        let file = String(repeating: "bad\n", count: 6)
        let codes = try problems(file, limits: limits { ($0.problemsMax, $0.linesMax) = (3, 5) })
        #expect(codes == ["- too_many_requests -", "1 invalid_json_line -", "- problems_cut -"])
    }

    @Test func `duplicates beyond the cap are counted without reading back`() throws {
        let file = utf8(String(repeating: chatLine("a") + "\n", count: 50))
        var reads = 0
        var validator = FileValidator(
            rules: chatRules(), limits: limits { $0.problemsMax = 3 }, key: HashKey(low: 1, high: 2)
        ) { offset, length in
            reads += 1
            return Array(file[Int(offset)..<Int(offset) + length])
        }
        try file.withUnsafeBytes { try validator.feed($0) { _, _ in } }
        let verdict = try validator.finish { _, _ in }
        #expect(verdict.problems.last?.message.hasPrefix("47 more") == true)
        #expect(reads == 3)
    }

    @Test func `a line over the limit is one problem, with its length`() throws {
        var rules = chatRules()
        rules.lineBytesMax = chatLine("a").utf8.count
        let file = chatLine("a") + "\n" + chatLine("bb") + "\r\n" + chatLine("c") + "\r\n"
        #expect(try problems(file, rules: rules) == ["2 line_too_long -"])
        let message = try #require(try validate(utf8(file), rules: rules).verdict.problems.first).message
        #expect(message.contains("is \(chatLine("bb").utf8.count) bytes long"))
    }

    @Test func `a file that is no text has one problem`() throws {
        let (verdict, lines, _) = try validate([0x1F, 0x8B, 8, 0] + utf8(String(repeating: "x\n", count: 100)))
        #expect(verdict.problems.map(\.code) == ["invalid_file_format"])
        #expect(verdict.problems.first?.message.contains("gzip") == true)
        #expect(lines.isEmpty)
        for format in FileFormat.allCases { #expect(format.problem.message.contains(format.rawValue)) }
    }

    @Test func `SipHash-2-4 gives the published vectors`() {
        let key = HashKey(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908)
        let message = (0..<15).map { UInt8($0) }
        #expect(message.withUnsafeBytes { SipHash.hash($0, key: key) } == 0xA129_CA61_49BE_45E5)
        #expect([UInt8]().withUnsafeBytes { SipHash.hash($0, key: key) } == 0x726F_DB47_DD0E_0E31)
    }
}
