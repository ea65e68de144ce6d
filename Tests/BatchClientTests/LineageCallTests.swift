// SPDX-License-Identifier: Apache-2.0
import BatchClient
import HTTPTesting
import Testing

struct LineageCallTests {
    @Test func `priority and lane are sent when they are given`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: batchJSON()) }
        _ = try await fixture.client.createBatch(
            .init(
                inputFileID: "f", endpoint: "/v1/x", window: "24h",
                rank: BatchRank(priority: -5, lane: "background")))
        #expect(
            fixture.requests.all[0].text == #"{"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h","#
                + #""priority":-5,"lane":"background"}"#)
    }

    @Test func `a retry names only what differs, and is one retry however often it is sent`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            if number == 1 { connection.reset() } else { try connection.respond(text: batchJSON("batch_2")) }
        }
        #expect(try await fixture.client.retryBatch("batch_1").value.id == "batch_2")
        _ = try await fixture.client.retryBatch("batch_1", window: "2d", rank: BatchRank(priority: 7))
        #expect(fixture.requests.lines == Array(repeating: "POST /v1/batches/batch_1/retry", count: 3))
        #expect(fixture.requests.all.map(\.text) == ["{}", "{}", #"{"completion_window":"2d","priority":7}"#])
        let keys = fixture.requests.all.map { $0.header("Idempotency-Key") }
        #expect(keys[0] == keys[1] && keys[1] != keys[2] && keys[0]?.count == 32)
    }

    @Test func `pausing and resuming are told back with the batch as it stands`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            let paused = number == 1 ? "1234" : "null"
            let extra =
                #""shardline":{"paused_at":\#(paused),"priority":5,"lane":"background","#
                + #""parent_batch_id":"batch_0","provenance_file_id":"file-p","later":[1]}}"#
            try connection.respond(text: String(batchJSON().dropLast()) + "," + extra)
        }
        let paused = try await fixture.client.pauseBatch("batch_1").value
        #expect(paused.isPaused && paused.shardline?.pausedAt == 1_234)
        let resumed = try await fixture.client.resumeBatch("batch_1").value
        #expect(!resumed.isPaused && resumed.shardline?.priority == 5 && resumed.shardline?.lane == "background")
        #expect(resumed.parentID == "batch_0" && resumed.provenanceFileID == "file-p")
        #expect(fixture.requests.lines == ["POST /v1/batches/batch_1/pause", "POST /v1/batches/batch_1/resume"])
    }

    @Test func `a server without the extension has no paused batches`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: batchJSON()) }
        let batch = try await fixture.client.batch("batch_1").value
        #expect(!batch.isPaused && batch.parentID == nil && batch.provenanceFileID == nil && batch.shardline == nil)
    }
}
