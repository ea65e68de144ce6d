// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// Events as Volcengine Ark tells of its batch jobs: `BatchJobFinished` and `BatchJobFailed`. (contracts: Ark event)
enum ArkEvent {
    /// The whole message.
    static func body(of event: OutboxEvent) -> [UInt8] {
        let batch = event.batch
        return JSONValue.object([
            .init("EventID", .string(event.id.rawValue)),
            .init("EventName", .string(event.type == .batchCompleted ? "BatchJobFinished" : "BatchJobFailed")),
            .init("EventTime", .string(CloudEvent.time(event.createdAt))),
            .init("AccountID", .string(batch.project.rawValue)),
            .init("Project", .string(batch.project.rawValue)),
            .init(
                "JobInfo",
                .object([
                    .init("JobID", .string(batch.id.rawValue)),
                    .init("JobName", .string(batch.id.rawValue)),
                    .init("Message", .string("the batch is \(batch.status.rawValue)")),
                    .init("TotalNum", .integer(batch.counts.total)),
                    .init("SuccessNum", .integer(batch.counts.completed)),
                    .init("FailNum", .integer(batch.counts.total - batch.counts.completed)),
                    .init("SuccessFileTOSPath", .string(batch.outputFileID?.rawValue ?? "")),
                    .init("FailFileTOSPath", .string(batch.errorFileID?.rawValue ?? "")),
                ])),
        ]).bytes
    }
}
