// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

extension TestStore {
    /// A job about to be recorded; `number` makes its input and its request another one.
    func newArkBatch(
        _ number: Int = 0, project owner: ProjectID? = nil, projectName: String = "default", user: String = "AKLT1",
        name: String = "job", model: ArkModel = .foundation(name: "doubao", version: "1"), tags: String = "[]",
        invocation: String? = nil
    ) throws -> NewArkBatch {
        var batch = NewBatch(
            project: owner ?? project, inputFileID: "", endpoint: "/v1/chat/completions",
            window: try #require(CompletionWindow("28d", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32))
        batch.model = "m"
        return NewArkBatch(
            batch: batch, projectName: projectName, accessKeyID: user, name: name, tags: tags, model: model,
            input: try StoredObject(.tos, bucket: "inputs", key: "in/\(number).jsonl"),
            outputFolder: try StoredObject(.tos, bucket: "outputs", key: "out/"), invocationID: invocation)
    }

    /// Records a job.
    func makeArkBatch(_ new: NewArkBatch, limits: ArkLimits = ArkLimits()) async throws -> BatchID {
        try #require(try await store.insertArkBatch(new, limits: limits, isDryRun: false))
    }

    /// Ends a job as if its file could not be run.
    func failArkBatch(_ id: BatchID, at moment: String = "clock_timestamp()") async throws {
        try await tamper(
            "update batches set status = 'failed', failed_at = \(moment), problems = '[]' where id = '\(id)'")
    }

    /// What the store refuses; nil when it does not.
    func refusal<Value>(_ body: () async throws -> Value) async throws -> ArkRefusal? {
        do {
            _ = try await body()
            return nil
        } catch let refusal as ArkRefusal {
            return refusal
        }
    }

    /// The ids of a list of jobs, and how many there are on all pages.
    func arkBatches(
        project owner: ProjectID? = nil, projectName: String = "default",
        _ change: (inout ArkBatchFilter, inout ArkBatchOrder) -> Void = { _, _ in }
    ) async throws -> (ids: [BatchID], total: Int64) {
        var (filter, order) = (ArkBatchFilter(projectName: projectName), ArkBatchOrder())
        change(&filter, &order)
        let page = try await store.listArkBatches(project: owner ?? project, filter: filter, order: order)
        return (page.jobs.map(\.batch.id), page.totalCount)
    }
}
