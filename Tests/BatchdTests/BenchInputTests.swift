// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import batchd

@Suite struct BenchInputTests {
    private func input(_ lines: Int, _ bytes: Int) throws -> BenchInput {
        try BenchInput(lines: lines, bytes: bytes, endpoint: Endpoint.test.rawValue, model: Endpoint.testModel)
    }

    @Test func `the file has exactly the bytes and lines asked for, and the server accepts every line`() throws {
        try withTemporaryDirectory { directory in
            let input = try input(1_000, 300_333)
            let path = directory + "/input.jsonl"
            try input.write(to: path)
            let text = try #require(DirectoryEntries.text(of: path, limit: 1 << 20))
            #expect(text.utf8.count == 300_333 && text.last == "\n")
            let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 1_000)
            #expect(Set(lines.map(\.utf8.count)).isSubset(of: [299, 300]))
            #expect(lines[999].hasPrefix(#"{"custom_id":"line-00000999","method":"POST","url":"/v1/chat/ds-test""#))
            for line in lines {
                try Array(line.utf8).withUnsafeBytes { _ = try JSONScanner.validate($0) }
            }
            let again = directory + "/again.jsonl"
            try input.write(to: again)
            #expect(DirectoryEntries.text(of: again, limit: 1 << 20) == text)
        }
    }

    @Test(arguments: [(0, 100), (1, 20), (1_000, 1_000), (2, Int.max), (-1, 5), (1, -1)])
    func `an input that cannot be made is refused`(lines: Int, bytes: Int) {
        #expect(throws: BenchFault.self) { try input(lines, bytes) }
    }

    @Test func `numbers are read back from their custom_ids`() {
        for number in [0, 7, 99_999_999] { #expect(BenchInput.number(customID: BenchInput.customID(number)) == number) }
        #expect(BenchInput.customID(42) == "line-00000042")
        #expect(BenchInput.number(customID: "other-1") == nil)
    }
}

@Suite struct ResultOrderTests {
    private func check(_ files: [[Int]], lines: Int) throws {
        try withTemporaryDirectory { directory in
            var order = ResultOrder(lines: lines)
            for (number, ids) in files.enumerated() {
                let path = "\(directory)/\(number)"
                let text = ids.map { #"{"id":"x","custom_id":"\#(BenchInput.customID($0))","error":null}"# + "\n" }
                try PlainFile.write(text.joined(), to: path, permissions: 0o600)
                try order.read(path)
            }
            try order.finish()
        }
    }

    @Test func `every line once and in order is good, also when two files share them`() throws {
        try check([Array(0..<200)], lines: 200)
        try check([[0, 2, 3], [1, 4]], lines: 5)
    }

    @Test(arguments: [
        ([[0, 2, 1]], "line-00000001, line 3 of the results, is out of order"),
        ([[0, 1, 1, 2]], "line-00000001 has two results"), ([[0, 1, 2], [1]], "line-00000001 has two results"),
        ([[0, 2]], "1 of 3 lines have no result, the first of them is line-00000001"),
        ([[0, 1, 2, 3]], "line 4 of the results has no custom_id of the input"),
        ([[]], "the first of them is line-00000000"),
    ])
    func `whatever is wrong is named`(files: [[Int]], reason: String) {
        let fault = #expect(throws: BenchFault.self) { try check(files, lines: 3) }
        #expect(fault?.description.contains(reason) == true)
    }
}
