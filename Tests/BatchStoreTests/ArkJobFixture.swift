// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import BatchTesting
import Testing

extension TestStore {
    /// A job about to be recorded; `number` makes its input and its request another one.
    func newArkJob(
        _ number: Int = 0, project owner: ProjectID? = nil, projectName: String = "default", user: String = "AKLT1",
        name: String = "job", model: ArkModel = .foundation(name: "doubao", version: "1"), tags: String = "[]",
        invocation: String? = nil
    ) throws -> NewArkJob {
        var batch = NewBatch(
            project: owner ?? project, inputFileID: "", endpoint: "/v1/chat/completions",
            window: try #require(CompletionWindow("28d", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32))
        batch.model = "m"
        return NewArkJob(
            batch: batch, projectName: projectName, accessKeyID: user, name: name, tags: tags, model: model,
            input: try StoredObject(.tos, bucket: "inputs", key: "in/\(number).jsonl"),
            outputFolder: try StoredObject(.tos, bucket: "outputs", key: "out/"), invocationID: invocation)
    }

    /// Records a job.
    func makeArkJob(_ new: NewArkJob, limits: ArkLimits = ArkLimits()) async throws -> BatchID {
        try #require(try await store.insertArkJob(new, limits: limits, isDryRun: false))
    }

    /// Ends a job as if its file could not be run.
    func failArkJob(_ id: BatchID, at moment: String = "clock_timestamp()") async throws {
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
    func arkJobs(
        project owner: ProjectID? = nil, projectName: String = "default",
        _ change: (inout ArkJobFilter, inout ArkJobOrder) -> Void = { _, _ in }
    ) async throws -> (ids: [BatchID], total: Int64) {
        var (filter, order) = (ArkJobFilter(projectName: projectName), ArkJobOrder())
        change(&filter, &order)
        let page = try await store.listArkJobs(project: owner ?? project, filter: filter, order: order)
        return (page.jobs.map(\.batch.id), page.totalCount)
    }
}
