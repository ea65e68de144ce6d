// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchWebhook
import Foundation
import Testing

@Suite struct EventFormTests {
    private func event(_ type: EventType, _ status: BatchStatus) -> OutboxEvent {
        var batch = Batch(
            id: BatchID(rawValue: "batch_1"), project: ProjectID(rawValue: "proj_1"), status: status,
            inputFileID: "file-1", endpoint: "/v1/embeddings", completionWindow: "24h",
            metadata: #"{"a":"\u00e9"}"#, createdAt: 1_700_000_000, expiresAt: 1_700_086_400)
        batch.counts = RequestCounts(total: 10, completed: 7, failed: 2)
        batch.outputFileID = FileID(rawValue: "file-out")
        return OutboxEvent(id: EventID(rawValue: "evt_1"), type: type, createdAt: 1_700_000_060, batch: batch)
    }

    private func object(_ form: EventForm, _ event: OutboxEvent) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(form.body(of: event))) as? [String: Any])
    }

    @Test func `a CloudEvent has the attributes of version 1_0 and the keys that consumers know`() throws {
        let form = EventForm.cloudEvent(CloudEvent())
        let message = try object(form, event(.batchCompleted, .completed))
        #expect(form.contentType == "application/cloudevents+json")
        let texts = message.compactMapValues { $0 as? String }
        #expect(
            texts == [
                "specversion": "1.0", "id": "evt_1", "source": "acs.dashscope",
                "type": "dashscope:System:BatchTaskFinish", "subject": "batch_1", "time": "2023-11-14T22:14:20Z",
                "datacontenttype": "application/json",
            ])
        let data = try #require(message["data"] as? [String: Any])
        #expect(data["task_id"] as? String == "batch_1" && data["task_status"] as? String == "SUCCEEDED")
        #expect(data["start_time"] as? String == "2023-11-14T22:13:20Z")
        #expect(data["output_file_id"] as? String == "file-out" && data["error_file_id"] is NSNull)
        #expect((data["metadata"] as? [String: String]) == ["a": "é"])
        #expect((data["request_counts"] as? [String: Int]) == ["total": 10, "completed": 7, "failed": 2])
    }

    @Test(arguments: [
        (EventType.batchFailed, BatchStatus.failed, "FAILED"), (.batchExpired, .expired, "FAILED"),
        (.batchCancelled, .cancelled, "CANCELED"),
    ])
    func `every end has a task status of its own`(type: EventType, status: BatchStatus, word: String) throws {
        let message = try object(.cloudEvent(CloudEvent(source: "s", type: "t")), event(type, status))
        #expect((message["data"] as? [String: Any])?["task_status"] as? String == word)
        #expect(message["source"] as? String == "s" && message["type"] as? String == "t")
    }

    @Test func `an event in the form of Ark counts its lines`() throws {
        let finished = try object(.ark, event(.batchCompleted, .completed))
        #expect(finished["EventName"] as? String == "BatchJobFinished" && finished["EventID"] as? String == "evt_1")
        #expect(finished["EventTime"] as? String == "2023-11-14T22:14:20Z")
        let job = try #require(finished["JobInfo"] as? [String: Any])
        #expect(job["JobID"] as? String == "batch_1" && job["SuccessFileTOSPath"] as? String == "file-out")
        #expect(job["TotalNum"] as? Int == 10 && job["SuccessNum"] as? Int == 7 && job["FailNum"] as? Int == 3)
        #expect(try object(.ark, event(.batchExpired, .expired))["EventName"] as? String == "BatchJobFailed")
    }

    @Test func `an event of a real Ark job names it, its project, and where its files are`() throws {
        var ended = event(.batchCompleted, .completed)
        ended.batch.profile = .ark
        (ended.batch.name, ended.batch.queue) = ("nightly", "research")
        ended.batch.errorFileID = FileID(rawValue: "file-err")
        let (good, bad) = ("tos://b/o/bi-1/output/results.jsonl", "tos://b/o/bi-1/error/errors.jsonl")
        ended.batch.remote.output = RemoteOutput(
            url: good, errorsURL: bad, outcome: RemoteOutcome(objects: [good], error: "The other is not there."))
        func job(_ event: OutboxEvent) throws -> [String: Any] {
            try #require(object(.ark, event)["JobInfo"] as? [String: Any])
        }
        #expect(try object(.ark, ended)["Project"] as? String == "research")
        #expect(try job(ended)["JobName"] as? String == "nightly" && job(ended)["JobID"] as? String == "batch_1")
        #expect(try job(ended)["SuccessFileTOSPath"] as? String == good)
        #expect(try job(ended)["FailFileTOSPath"] as? String == "", "what was not delivered is not there")
        #expect(
            try job(ended)["Message"] as? String
                == "Every line has its result. The results could not be written: The other is not there.")
        #expect(try object(.ark, ended)["EventName"] as? String == "BatchJobFailed")
        ended.batch.remote.output?.outcome = RemoteOutcome(objects: [good, bad], error: nil)
        #expect(try job(ended)["FailFileTOSPath"] as? String == bad)
        #expect(try object(.ark, ended)["EventName"] as? String == "BatchJobFinished")
        // The error file of a run before, emptied, is none.
        ended.batch.counts = RequestCounts(total: 10, completed: 10)
        #expect(try job(ended)["FailFileTOSPath"] as? String == "" && job(ended)["FailNum"] as? Int == 0)
    }
}
