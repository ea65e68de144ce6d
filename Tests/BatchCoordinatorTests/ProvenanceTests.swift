// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Foundation
import Testing

@testable import BatchCoordinator

/// One line of a provenance file.
private struct History: Decodable, Equatable {
    let custom_id: String
    let ordinal: Int
    let result: String
    let status_code: Int?
    let attempts: Int
    let last_error: String?
    let worker: String?

    init(_ line: String) throws {
        self = try JSONDecoder().decode(History.self, from: Data(line.utf8))
    }
}

@Suite(.serialized) struct ProvenanceTests {
    @Test func `every line is told once, in input order, whatever became of it`() async throws {
        var limits = Limits()
        limits.shardLinesMax = 7
        try await RunningCoordinator.run(limits: limits, spoolMemoryBytesMax: 2_000) { running in
            let batch = try await running.submit(inputLines(50))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            try await running.work(onlyLinesBelow: 41)
            _ = try await running.test.store.cancelBatch(batch.id, project: running.test.project)
            let done = try await running.wait(for: batch.id, in: [.cancelled])
            let id = try #require(done.provenanceFileID)
            let file = try #require(try await running.test.store.findFile(id, project: running.test.project))
            #expect(file.purpose == .batchOutput && file.filename == "\(batch.id)_provenance.jsonl")
            let histories = try await running.lines(of: id).map(History.init)
            #expect(histories.map(\.custom_id) == (1...50).map { "id-\($0)" })
            #expect(histories.map(\.ordinal) == Array(0..<50))
            for (index, history) in histories.enumerated() {
                let number = index + 1
                let expected = number > 40 ? "batch_cancelled" : number % 2 == 1 ? "failed" : "completed"
                #expect(history.result == expected)
                #expect(history.attempts == (number > 40 ? 0 : 1) && history.last_error == nil)
                #expect(history.status_code == (number > 40 ? nil : number % 2 == 1 ? 400 : 200))
            }
        }
    }

    @Test func `a batch without lines has none, and neither has any where the server keeps none`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await running.test.makeBatch(inputFileID: "file-nowhere")
            let failed = try await running.wait(for: batch.id, in: [.failed])
            #expect(failed.provenanceFileID == nil)
        }
        try await RunningCoordinator.run(writesProvenance: false) { running in
            let batch = try await running.submit(inputLines(4))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            try await running.work()
            let done = try await running.wait(for: batch.id, in: [.completed])
            #expect(done.provenanceFileID == nil && done.outputFileID != nil && done.errorFileID != nil)
            #expect(try await running.test.number("select count(*) from files where purpose = 'batch_output'") == 2)
        }
    }
}
