// SPDX-License-Identifier: Apache-2.0

internal import BatchCore

/// Events as Volcengine Ark tells of its batch jobs: `BatchJobFinished` and `BatchJobFailed`. Batches of other profiles
/// are told in the same form: their ids stand for what they have none of. (contracts: Ark event)
enum ArkEvent {
    /// The whole message.
    static func body(of event: OutboxEvent) -> [UInt8] {
        let batch = event.batch
        let unsuccessful = batch.counts.total - batch.counts.completed
        return JSONValue.object([
            .init("EventID", .string(event.id.rawValue)),
            .init("EventName", .string(isFinished(event) ? "BatchJobFinished" : "BatchJobFailed")),
            .init("EventTime", .string(CloudEvent.time(event.createdAt))),
            .init("AccountID", .string(batch.project.rawValue)),
            .init("Project", .string(batch.queue ?? batch.project.rawValue)),
            .init(
                "JobInfo",
                .object([
                    .init("JobID", .string(batch.id.rawValue)),
                    .init("JobName", .string(batch.name ?? batch.id.rawValue)),
                    .init("Message", .string(message(of: batch))),
                    .init("TotalNum", .integer(batch.counts.total)),
                    .init("SuccessNum", .integer(batch.counts.completed)),
                    .init("FailNum", .integer(unsuccessful)),
                    .init(
                        "SuccessFileTOSPath",
                        .string(path(batch, batch.outputFileID, \.url))),
                    .init(
                        "FailFileTOSPath",
                        .string(unsuccessful > 0 ? path(batch, batch.errorFileID, \.errorsURL) : "")),
                ])),
        ]).bytes
    }

    /// An Ark job whose results could not be delivered has failed: its clients have no other way to them.
    private static func isFinished(_ event: OutboxEvent) -> Bool {
        let isUndelivered = event.batch.profile == .ark && event.batch.remote.output?.outcome?.status == .failed
        return event.type == .batchCompleted && !isUndelivered
    }

    /// Where a file of an Ark job was delivered, empty when it was not; the id of another batch's file.
    private static func path(_ batch: Batch, _ file: FileID?, _ place: (RemoteOutput) -> String?) -> String {
        guard let file else { return "" }
        guard batch.profile == .ark else { return file.rawValue }
        guard let output = batch.remote.output, let address = place(output), let outcome = output.outcome,
            outcome.objectsText.contains(JSONValue.string(address).text)
        else { return "" }
        return address
    }

    /// How it ended, in a sentence.
    private static func message(of batch: Batch) -> String {
        guard batch.profile == .ark else { return "the batch is \(batch.status.rawValue)" }
        let end =
            switch batch.status {
            case .failed: "The job has failed: its input was refused."
            case .expired: "The job was terminated: its completion window has passed."
            case .cancelled: "The job was terminated: it was stopped."
            default: "Every line has its result."
            }
        guard let error = batch.remote.output?.outcome?.error else { return end }
        return "\(end) The results could not be written: \(error)"
    }
}
