// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Testing

@testable import batchctl

struct CheckReportTests {
    private func report(_ content: String, limits: Limits = Limits(), endpoint: String? = nil) async throws
        -> CheckReport
    {
        let file = TemporaryFile(content)
        let checking = Checking(file: try LocalFile(path: file.path), endpoint: endpoint, limits: limits)
        var report = try await checking.run { _ in }
        report.path = "a.jsonl"
        return report
    }

    private func line(_ id: String, url: String = "/v1/embeddings") -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"\#(url)","body":{"model":"m","input":"x"}}"# + "\n"
    }

    @Test func `a good file has no problems and the first line's endpoint`() async throws {
        let report = try await report(line("a") + "\n" + line("b"))
        #expect(report.problems.isEmpty)
        #expect(report.summary == "a.jsonl: no problems (2 requests, 181 B, /v1/embeddings, m)")
        #expect(report.lineCount == 3)
    }

    @Test func `problems name physical lines`() async throws {
        let report = try await report(line("a") + "\n" + line("a") + line("b", url: "/v1/x"))
        #expect(report.problems.map(\.line) == [3, 4])
        #expect(report.problems.map(\.code) == ["duplicate_custom_id", "invalid_url"])
        #expect(report.lines.allSatisfy { $0.hasPrefix("a.jsonl:3: ") || $0.hasPrefix("a.jsonl:4: ") })
        #expect(report.lines[0].hasSuffix("[duplicate_custom_id, custom_id]"))
        #expect(report.summary.hasPrefix("a.jsonl: NOT valid: 2 problems (3 requests, "))
        #expect(report.json.text.contains(#""valid":false"#))
    }

    @Test func `the limits of the options count`() async throws {
        var limits = Limits()
        limits.inputBytesMax = 100
        limits.linesMax = 1
        let report = try await report(line("a") + line("b"), limits: limits)
        #expect(report.problems.map(\.code) == ["file_too_large", "too_many_requests"])
        #expect(report.lines[0].hasPrefix("a.jsonl: The file has 180 bytes; at most 100 are allowed."))
    }

    @Test func `problems beyond the cap are counted`() async throws {
        var limits = Limits()
        limits.problemsMax = 3
        let report = try await report(String(repeating: "[]\n", count: 10), limits: limits)
        #expect(report.problems.count == 3)
        #expect(report.summary.contains("NOT valid: more than 2 problems"))
    }

    @Test func `another endpoint than the lines' is a problem of every line`() async throws {
        let report = try await report(line("a") + line("b"), endpoint: "/v1/responses")
        #expect(report.problems.map(\.code) == ["invalid_url", "invalid_url"])
    }
}
