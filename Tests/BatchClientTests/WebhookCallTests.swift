// SPDX-License-Identifier: Apache-2.0
import BatchClient
import HTTPTesting
import Testing

struct WebhookCallTests {
    private func endpointJSON(_ more: String = "") -> String {
        #"{"id":"we_1","object":"webhook_endpoint","created_at":1,"updated_at":2,"name":"n","url":"https://h/x","#
            + #""event_types":["batch.completed"],"signing_secret_hint":"whsec_…abcd","status":"disabled","#
            + #""disabled_reason":"gone","failing_since":9\#(more)}"#
    }

    @Test func `an endpoint is made with all its fields, and only its making shows the secret`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            try connection.respond(text: endpointJSON(number == 1 ? #","signing_secret":"whsec_AAAA""# : ""))
        }
        let made = try await fixture.client.createWebhookEndpoint(
            url: "https://h/x", name: "n", eventTypes: ["batch.completed", "batch.failed"])
        #expect(made.value.signingSecret == "whsec_AAAA")
        #expect(
            fixture.requests.all[0].text
                == #"{"name":"n","url":"https://h/x","event_types":["batch.completed","batch.failed"]}"#)
        let found = try await fixture.client.webhookEndpoint("we_1").value
        #expect(found.signingSecret == nil && found.signingSecretHint == "whsec_…abcd")
        #expect(found.status == "disabled" && found.disabledReason == "gone" && found.failingSince == 9)
        #expect(found.name == "n" && found.url == "https://h/x" && found.eventTypes == ["batch.completed"])
        #expect(fixture.requests.lines == ["POST /v1/webhook_endpoints", "GET /v1/webhook_endpoints/we_1"])
    }

    @Test func `making and rotating are repeated only when the server cannot have done them`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            switch number {
            case 1, 3:
                // A new connection for the next request: on an old one libcurl repeats what has no answer by itself.
                try connection.respond(503, headers: [("Connection", "close")], text: errorJSON("away"))
            default: connection.reset()
            }
        }
        await #expect(throws: ClientError.self) {
            try await fixture.client.createWebhookEndpoint(url: "https://h", name: "n", eventTypes: [])
        }
        #expect(fixture.requests.all.count == 2)
        await #expect(throws: ClientError.self) {
            try await fixture.client.rotateWebhookSecret("we_1", keepsOld: true)
        }
        #expect(fixture.requests.all.count == 4)
        #expect(fixture.requests.lines.last == "POST /v1/webhook_endpoints/we_1/rotate_secret")
        #expect(fixture.requests.all.last?.text == #"{"keep_old_secret_active_for_24_hours":true}"#)
    }

    @Test func `a change sends what is given and nothing else`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: endpointJSON()) }
        _ = try await fixture.client.updateWebhookEndpoint("we/1", .init(isEnabled: true))
        _ = try await fixture.client.updateWebhookEndpoint("we_1", .init(isEnabled: false))
        _ = try await fixture.client.updateWebhookEndpoint("we_1", .init(url: "u", name: "n", eventTypes: ["a"]))
        #expect(
            fixture.requests.all.map(\.text) == [
                #"{"status":"enabled"}"#, #"{"status":"disabled"}"#, #"{"name":"n","url":"u","event_types":["a"]}"#,
            ])
        #expect(fixture.requests.lines[0] == "POST /v1/webhook_endpoints/we%2F1")
    }

    @Test func `a trial tells what the receiver answered`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(
                text: #"{"object":"webhook_endpoint.test","event_type":"batch.failed","status_code":503,"#
                    + #""success":true,"webhook_endpoint_id":"we_1"}"#)
        }
        let trial = try await fixture.client.testWebhookEndpoint("we_1", eventType: "batch.failed").value
        #expect(trial.statusCode == 503 && trial.webhookEndpointID == "we_1" && trial.eventType == "batch.failed")
        #expect(fixture.requests.lines == ["POST /v1/webhook_endpoints/we_1/test"])
        #expect(fixture.requests.all[0].text == #"{"event_type":"batch.failed"}"#)
    }

    @Test func `lists are paged, and the types of events are a list of names`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            let data = number == 3 ? #"["batch.completed","batch.failed"]"# : "[\(endpointJSON())]"
            try connection.respond(text: #"{"object":"list","data":\#(data),"has_more":false}"#)
        }
        #expect(
            try await fixture.client.webhookEndpoints(after: "we_0", limit: 20).elements.map(\.value.id) == ["we_1"])
        _ = try await fixture.client.webhookEndpoints(limit: 1)
        #expect(try await fixture.client.webhookEventTypes() == ["batch.completed", "batch.failed"])
        #expect(
            fixture.requests.lines == [
                "GET /v1/webhook_endpoints?after=we_0&limit=20", "GET /v1/webhook_endpoints?limit=1",
                "GET /v1/webhook_event_types",
            ])
    }

    @Test func `an endpoint is deleted by its id`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(text: #"{"id":"we_1","object":"webhook_endpoint.deleted","deleted":true}"#)
        }
        #expect(try await fixture.client.deleteWebhookEndpoint("we_1").value.deleted)
        #expect(fixture.requests.lines == ["DELETE /v1/webhook_endpoints/we_1"])
    }
}

struct DeliveryCallTests {
    private let deliveryJSON =
        #"{"id":"whd_1","object":"webhook_delivery","created_at":1,"event_id":"evt_1","event_type":"batch.failed","#
        + #""batch_id":"batch_1","webhook_endpoint_id":null,"target":"batch","url":"https://h/x","status":"pending","#
        + #""attempts":2,"next_attempt_at":60,"last_status_code":503,"last_latency_ms":12,"last_error":null,"#
        + #""settled_at":null,"attempt_log":[{"attempt":1,"at":5,"status_code":null,"latency_ms":3,"#
        + #""error":"refused","answer":null},{"attempt":2,"at":9,"status_code":503,"latency_ms":12,"error":null,"#
        + #""answer":"bu\u001bsy"}]}"#

    @Test func `a delivery is read with its attempts`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: deliveryJSON) }
        let delivery = try await fixture.client.delivery("whd_1").value
        #expect(delivery.eventID == "evt_1" && delivery.eventType == "batch.failed" && delivery.batchID == "batch_1")
        #expect(delivery.webhookEndpointID == nil && delivery.target == "batch" && delivery.status == "pending")
        #expect(delivery.attempts == 2 && delivery.nextAttemptAt == 60 && delivery.lastStatusCode == 503)
        #expect(delivery.lastLatencyMilliseconds == 12 && delivery.settledAt == nil)
        let log = try #require(delivery.attemptLog)
        #expect(log.map(\.error) == ["refused", nil] && log.map(\.statusCode) == [nil, 503])
        #expect(log[1].answer == "bu\u{1B}sy" && log[1].at == 9)
    }

    @Test func `a list of deliveries names what it is filtered by`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(text: #"{"object":"list","data":[\#(deliveryJSON)],"has_more":true}"#)
        }
        let filter = DeliveryFilter(endpointID: "we_1", batchID: "b", eventID: "e", status: "exhausted")
        #expect(try await fixture.client.deliveries(filter, after: "whd_0", limit: 100).hasMore)
        _ = try await fixture.client.deliveries(limit: 20)
        #expect(
            fixture.requests.lines == [
                "GET /v1/webhook_deliveries?endpoint_id=we_1&batch_id=b&event_id=e&status=exhausted&after=whd_0"
                    + "&limit=100",
                "GET /v1/webhook_deliveries?limit=20",
            ])
    }

    @Test func `one delivery is replayed however often that is sent, those of a time only once`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            switch number {
            case 2: try connection.respond(text: deliveryJSON)
            case 3:
                // The next request shall have a connection of its own: on this one libcurl would repeat it by itself.
                try connection.respond(
                    headers: [("Connection", "close")], text: #"{"object":"webhook_replay","replayed":17}"#)
            default: connection.reset()
            }
        }
        #expect(try await fixture.client.replayDelivery("whd_1").value.status == "pending")
        #expect(
            try await fixture.client.replayDeliveries(ReplayOrder(endpointID: "we_1", since: 5)).value.replayed == 17)
        await #expect(throws: ClientError.self) {
            try await fixture.client.replayDeliveries(
                ReplayOrder(endpointID: "we_1", since: 5, until: 9, status: "all", includesMissed: true))
        }
        #expect(fixture.requests.all.count == 4)
        #expect(
            fixture.requests.lines == [
                "POST /v1/webhook_deliveries/whd_1/replay", "POST /v1/webhook_deliveries/whd_1/replay",
                "POST /v1/webhook_deliveries/replay", "POST /v1/webhook_deliveries/replay",
            ])
        #expect(
            fixture.requests.all.suffix(2).map(\.text) == [
                #"{"endpoint_id":"we_1","since":5,"until":null,"status":"exhausted","missed":false}"#,
                #"{"endpoint_id":"we_1","since":5,"until":9,"status":"all","missed":true}"#,
            ])
    }

    @Test func `a batch may have a webhook of its own`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(
                text: String(batchJSON().dropLast()) + #","shardline":{"webhook_url":"https://h/x"}}"#)
        }
        for webhook in [BatchWebhook(url: "https://h/x", secret: "whsec_A"), BatchWebhook(url: "https://h/x")] {
            let batch = try await fixture.client.createBatch(
                .init(inputFileID: "f", endpoint: "/v1/x", window: "24h", webhook: webhook))
            #expect(batch.value.shardline?.webhookURL == "https://h/x")
        }
        let start = #"{"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h","webhook":{"url":"https://h/x""#
        #expect(fixture.requests.all.map(\.text) == [start + #","secret":"whsec_A"}}"#, start + "}}"])
    }
}
