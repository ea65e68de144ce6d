// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Testing

@testable import batchctl

struct BatchTextTests {
    private func batch(_ status: String) -> WireBatch {
        var batch = WireBatch(id: "batch_1", endpoint: "/v1/embeddings", status: status, createdAt: 1_000)
        batch.requestCounts = RequestCounts(total: 10_000, completed: 4_210, failed: 3)
        batch.expiresAt = 87_400
        batch.inputFileID = "file-1"
        return batch
    }

    @Test func `a running batch is told in facts`() {
        var batch = batch("in_progress")
        batch.model = "m"
        batch.metadata = ["ds_name": "nightly", "b": "2", "a": "1\u{1B}"]
        batch.usage = WireUsage(inputTokens: 1_000, outputTokens: 20, totalTokens: 1_020)
        #expect(
            BatchText.details(batch, now: 1_243, offset: { _ in 0 }) == [
                "batch_1  in_progress",
                "  name      nightly",
                "  endpoint  /v1/embeddings",
                "  model     m",
                "  lines     10,000: 4,210 succeeded, 3 failed, 5,787 to go",
                "  created   1970-01-01 00:16:40 (4 min 3 s ago)",
                "  expires   1970-01-02 00:16:40 (in 23 h 55 min)",
                "  input     file-1",
                "  tokens    1,000 in, 20 out, 1,020 total",
                "  metadata  a=1?",
                "  metadata  b=2",
            ])
    }

    @Test func `a batch that ended tells when, how long it took and what was not run`() {
        var batch = batch("cancelled")
        batch.cancelledAt = 1_060
        batch.outputFileID = "file-2"
        batch.errorFileID = "file-3"
        #expect(
            BatchText.details(batch, now: 1_060, offset: { _ in 0 }) == [
                "batch_1  cancelled",
                "  endpoint   /v1/embeddings",
                "  lines      10,000: 4,210 succeeded, 3 failed, 5,787 not run",
                "  created    1970-01-01 00:16:40 (1 min ago)",
                "  cancelled  1970-01-01 00:17:40 (now), took 1 min",
                "  input      file-1",
                "  output     file-2",
                "  errors     file-3",
            ])
        #expect(
            BatchText.ending(batch)
                == "batch_1 cancelled after 1 min; lines 10,000: 4,210 succeeded, 3 failed, 5,787 not run")
    }

    @Test func `a failed batch lists some problems and says how many more there are`() {
        var batch = batch("failed")
        batch.requestCounts = RequestCounts()
        batch.failedAt = 1_002
        batch.errors = WireProblems(
            data: [WireProblem(code: "invalid_url", message: "Line 1 has another url.", param: "url", line: 1)]
                + (2...25).map { WireProblem(code: nil, message: nil, line: $0) })
        let lines = BatchText.problems(batch)
        #expect(lines[0] == "problems:")
        #expect(lines[1] == "  Line 1 has another url. [invalid_url, url]")
        #expect(lines[2] == "  line 2: no reason given")
        #expect(lines.count == 22)
        #expect(
            lines[21] == "  and 5 more: see them all with --json, or run batchctl validate on the input file")
        #expect(BatchText.ending(batch) == "batch_1 failed validation after 2 s; 25 problems in the input file")
    }

    @Test func `the exit status tells the endings apart`() {
        #expect(BatchText.exitStatus(batch("completed")) == .linesFailed)
        var clean = batch("completed")
        clean.requestCounts = RequestCounts(total: 1, completed: 1, failed: 0)
        #expect(BatchText.exitStatus(clean) == .done)
        for status in ["failed", "expired", "cancelled"] {
            #expect(BatchText.exitStatus(batch(status)) == .notCompleted)
        }
    }

    @Test func `progress counts failed lines as done and has a rate only while lines run`() {
        let state = BatchText.progress(batch("in_progress"), rate: 5, elapsed: 9)
        #expect(state.done == 4_213)
        #expect(state.failed == 3)
        #expect(state.rate == 5)
        #expect(BatchText.progress(batch("finalizing"), rate: 5, elapsed: 9).rate == nil)
    }
}

struct ResultsChoiceTests {
    private func choose(
        _ status: String, output: String? = nil, error: String? = nil, provenance: String? = nil,
        _ kind: ResultsCommand.Kind = .output, isPaused: Bool = false
    ) throws(CommandFailure) -> String {
        var batch = WireBatch(id: "batch_1", endpoint: "/v1/embeddings", status: status, createdAt: 0)
        batch.outputFileID = output
        batch.errorFileID = error
        var more = WireExtension()
        more.provenanceFileID = provenance
        more.pausedAt = isPaused ? 1 : nil
        batch.shardline = more
        return try ResultsCommand.choose(batch, kind) { "batchctl \($0)" }
    }

    @Test func `a batch that ended gives the file that is wanted`() throws {
        #expect(try choose("completed", output: "o", error: "e") == "o")
        #expect(try choose("expired", output: "o", error: "e", .errors) == "e")
        #expect(try choose("completed", provenance: "p", .provenance) == "p")
    }

    @Test func `what is not there is refused with the way out`() {
        #expect(
            throws: CommandFailure(
                .nothingToFetch,
                "batch_1 has no results yet: it is in_progress. Wait for it: batchctl status batch_1 --watch")
        ) { try choose("in_progress") }
        #expect(
            throws: CommandFailure(
                .notCompleted,
                "batch_1 failed validation, so no line was run. The reasons: batchctl status batch_1")
        ) { try choose("failed") }
        #expect(
            throws: CommandFailure(
                .nothingToFetch,
                "batch_1 has no output file: no line succeeded. The reasons: batchctl results batch_1 --errors")
        ) { try choose("completed", error: "e") }
        #expect(throws: CommandFailure(.nothingToFetch, "batch_1 has no error file: no line failed")) {
            try choose("completed", output: "o", .errors)
        }
        #expect(
            throws: CommandFailure(
                .nothingToFetch,
                "batch_1 has no provenance file: it had no lines, or the server's coordinator.provenance was off")
        ) { try choose("completed", output: "o", .provenance) }
        #expect(
            throws: CommandFailure(
                .nothingToFetch,
                "batch_1 has no results yet: it is in_progress (paused). Go on with it: batchctl resume batch_1")
        ) { try choose("in_progress", isPaused: true) }
    }
}
