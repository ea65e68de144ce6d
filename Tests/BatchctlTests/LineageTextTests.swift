// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BatchClient
import BatchCore
import Testing

@testable import batchctl

struct LineageTextTests {
    private func batch(_ status: String = "in_progress", _ change: (inout WireExtension) -> Void) -> WireBatch {
        var batch = WireBatch(id: "batch_2", endpoint: "/v1/embeddings", status: status, createdAt: 1_000)
        var more = WireExtension()
        more.priority = 0
        more.lane = "normal"
        change(&more)
        batch.shardline = more
        return batch
    }

    private func details(_ batch: WireBatch) -> [String] { BatchText.details(batch, now: 1_000) { _ in 0 } }

    @Test func `a paused batch is told as such without another status`() {
        let paused = batch { $0.pausedAt = 940 }
        #expect(details(paused).first == "batch_2  in_progress (paused)")
        #expect(details(paused).contains("  paused    1970-01-01 00:15:40 (1 min ago)"))
        #expect(BatchText.progress(paused, rate: nil, elapsed: 0).label == "in_progress (paused)")
        #expect(ListCommand.row(paused)[1] == "in_progress (paused)")
        #expect(details(batch("completed") { $0.pausedAt = 940 }).first == "batch_2  completed")
    }

    @Test func `lineage, priority and lane are told only when they are set`() {
        let plain = batch { _ in }
        #expect(details(plain).map { $0.split(separator: " ").first } == ["batch_2", "endpoint", "created"])
        #expect(BatchText.notes(plain).isEmpty)
        let retry = batch {
            $0.parentBatchID = "batch_1"
            $0.priority = -7
            $0.lane = "background"
            $0.provenanceFileID = "file-p"
        }
        #expect(
            details(retry) == [
                "batch_2  in_progress",
                "  retry of    batch_1",
                "  endpoint    /v1/embeddings",
                "  priority    -7",
                "  lane        background",
                "  created     1970-01-01 00:16:40 (now)",
                "  provenance  file-p",
            ])
        #expect(BatchText.notes(retry) == "retry of batch_1, priority -7, background")
        #expect(ListCommand.row(retry).last == BatchText.notes(retry))
    }

    @Test func `a column without anything in it is left out where it may be`() {
        var table = Table([.init(title: "A"), .init(title: "B", isOptional: true), .init(title: "C")])
        table.rows = [["1", "", "x"], ["2", "", ""]]
        #expect(table.lines() == ["A  C", "1  x", "2"])
        table.rows.append(["3", "b", "y"])
        #expect(table.lines() == ["A  B  C", "1     x", "2", "3  b  y"])
    }

    private func refused(_ arguments: [String]) -> Bool {
        do {
            _ = try BatchctlCommand.parseAsRoot(arguments)
            return false
        } catch {
            guard case .failed(.usage, _) = Verdict(of: error) else { return false }
            return true
        }
    }

    @Test(arguments: [
        ["retry"], ["retry", "b", "--merge"], ["retry", "b", "--merge", "--watch"], ["retry", "b", "-o", "x"],
        ["retry", "b", "--watch", "--wait"], ["retry", "b", "--window", "soon"], ["retry", "b", "--priority", "101"],
        ["retry", "b", "--wait", "--json", "-o", "-"], ["submit", "a", "--priority", "-101"],
        ["submit", "a", "--priority", "high"], ["submit", "a", "--lane", "live"], ["pause"], ["resume"],
        ["results", "b", "--errors", "--merge"], ["results", "b", "--provenance", "--errors"],
    ])
    func `what makes no sense is refused before anything happens`(arguments: [String]) {
        #expect(refused(arguments))
    }

    @Test func `priorities may be negative without an equals sign`() throws {
        let command = try #require(
            try BatchctlCommand.parseAsRoot(
                ["retry", "b", "--priority", "-5", "--lane", "background", "--wait", "--merge", "-o", "x"])
                as? RetryCommand)
        #expect(command.rank.rank == BatchRank(priority: -5, lane: "background"))
        #expect(command.merge && command.wait && command.output == "x" && command.window == nil)
        let submit = try #require(
            try BatchctlCommand.parseAsRoot(["submit", "a", "--priority=100"]) as? SubmitCommand)
        #expect(submit.rank.rank == BatchRank(priority: 100))
    }
}
