// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import HTTPTesting
import Testing

struct EventCallTests {
    private func eventJSON(_ id: String) -> String {
        #"{"id":"\#(id)","object":"event","created_at":7,"type":"batch.completed","novel":[1.50],"data":{"#
            + #""id":"batch_1","status":"completed","endpoint":"/v1/embeddings","output_file_id":"file-o","#
            + #""error_file_id":null,"request_counts":{"total":3,"completed":2,"failed":1},"metadata":{"a":"b"}}}"#
    }

    @Test func `events are asked for behind a place and read with the bytes the server sent`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(
                text: #"{"object":"list","data":[\#(eventJSON("evt_2"))],"first_id":"evt_2","#
                    + #""last_id":"evt_2","has_more":true}"#)
        }
        let page = try await fixture.client.events(
            after: .event("evt_1"), types: ["batch.completed", "batch.failed"], limit: 5, wait: 30)
        #expect(
            fixture.requests.lines == [
                "GET /v1/events?types=batch.completed%2Cbatch.failed&wait=30&after=evt_1&limit=5"
            ])
        let event = try #require(page.elements.first)
        #expect(event.json == Array(eventJSON("evt_2").utf8))
        #expect(event.value.id == "evt_2" && event.value.type == "batch.completed" && event.value.createdAt == 7)
        #expect(event.value.data.id == "batch_1" && event.value.data.status == "completed")
        #expect(event.value.data.outputFileID == "file-o" && event.value.data.errorFileID == nil)
        #expect(event.value.data.requestCounts == RequestCounts(total: 3, completed: 2, failed: 1))
        #expect(event.value.data.metadata == ["a": "b"])
        #expect(page.hasMore && page.lastID == "evt_2")
    }

    @Test func `an empty answer may name the newest event`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            let last = number == 1 ? #""evt_\u0039""# : "null"
            try connection.respond(
                text: #"{"object":"list","data":[],"first_id":null,"last_id":\#(last),"has_more":false}"#)
        }
        let page = try await fixture.client.events(after: .now, limit: 1)
        #expect(page.elements.isEmpty && !page.hasMore && page.lastID == "evt_9")
        #expect(try await fixture.client.events(after: .start, limit: 1_000).lastID == nil)
        #expect(fixture.requests.lines == ["GET /v1/events?after=now&limit=1", "GET /v1/events?limit=1000"])
    }

    @Test func `a place the server does not know is a refusal that is not repeated`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(404, text: errorJSON("No such event: evt_1."))
        }
        let error = await #expect(throws: ClientError.self) {
            try await fixture.client.events(after: .event("evt_1"), limit: 1)
        }
        #expect(error?.message == "read events: No such event: evt_1 (HTTP 404)")
        #expect(fixture.requests.all.count == 1)
    }

    @Test func `events of unknown types and without details are read all the same`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(
                text: #"{"data":[{"id":"evt_1","created_at":1,"type":"file.expired","data":{"size":4}}]}"#)
        }
        let event = try #require(try await fixture.client.events(after: .start, limit: 1).elements.first).value
        #expect(event == WireEvent(id: "evt_1", createdAt: 1, type: "file.expired", data: .init()))
    }
}
