// SPDX-License-Identifier: Apache-2.0

import BrokerTesting
import Foundation
import HTTPTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// Whoever wants to know is told when a batch has ended.
    @Suite struct NotifyEndToEndTests {
        private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        private static let quick = [
            "--set", "webhook.retry_waits=100ms,100ms,100ms", "--set", "coordinator.poll_every=100ms",
        ]
        private static let local = ["--set", "outbound.allow=127.0.0.1"]
        private static let line = """
            {"custom_id":"a","method":"POST","url":"/v1/chat/ds-test","body":{"model":"batch-test-model","messages":[]}}

            """

        /// An endpoint as the API shows it.
        private struct EndpointView: Decodable {
            let id: String
            let status: String
            let disabled_reason: String?
            let signing_secret: String?
        }

        /// A batch whose one line the built-in model answers; `more` are further members of the request.
        private func submit(_ more: String, to server: ServerAddress) async throws -> BatchView {
            let file = try await server.uploadBatchFile(Array(Self.line.utf8))
            let json = #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/ds-test","completion_window":"24h"\#(more)}"#
            return try await server.post("/v1/batches", json: json).decode(BatchView.self)
        }

        private func makeEndpoint(_ url: String, at server: ServerAddress) async throws -> EndpointView {
            let json = #"{"name":"n","url":"\#(url)","event_types":["batch.completed","batch.failed"]}"#
            return try await server.post("/v1/webhook_endpoints", json: json).decode(EndpointView.self)
        }

        @Test func `a campaign of kills loses no event and repeats only under the same id`() async throws {
            let seed = UInt64.random(in: 1...999_999)
            print("notify: seed \(seed); again with: batchd bench notify --kills 12 --coordinators 3 --seed \(seed)")
            try await withScratch { scratch in
                let campaign = try ChildProcess(
                    Products.program("batchd"),
                    [
                        "bench", "notify", "--kills", "12", "--coordinators", "3", "--receivers", "4", "--seed",
                        "\(seed)", "--dir", scratch.path("notify"), "--limit", "60s",
                    ],
                    name: "notify", in: scratch)
                let end = try await campaign.end(within: .seconds(240))
                #expect(end == .exited(0), "seed \(seed)\n\(campaign.errors)\n\(campaign.output)")
                #expect(campaign.output.contains(" lost 0,"))
                #expect(campaign.output.contains("violations: 0"))
            }
        }

        @Test func `a batch's own webhook is signed with its own secret and comes when the results are there`()
            async throws
        {
            try await withScratch { scratch in
                let inbox = try WebhookInbox()
                let server = try await Standalone.start(in: scratch, arguments: Self.local + Self.quick).server
                let batch = try await submit(
                    #","webhook":{"url":"\#(inbox.url())","secret":"\#(Self.secret)"}"#, to: server)
                let request = try #require(try await inbox.requests(1).first)
                // As a receiver does it: what the notice names can be had at once.
                let event = try request.decode(EventView.self)
                let ended = try await server.batch(batch.id)
                #expect(ended.status == "completed" && event.data.output_file_id == ended.output_file_id)
                let output = try await server.content(try #require(event.data.output_file_id))
                #expect(String(decoding: output, as: UTF8.self).contains(#""custom_id":"a""#))
                #expect(event.type == "batch.completed" && event.data.id == batch.id)
                #expect(request.header("webhook-id") == event.id)
                #expect(request.isSigned(with: Self.secret))
                let other = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()
                #expect(!request.isSigned(with: other))
                let delivery = try await server.deliveries(of: batch.id, reaching: "delivered") {
                    $0.status == "delivered"
                }
                #expect(delivery.map(\.target) == ["batch"] && delivery.map(\.event_id) == [event.id])
                #expect(inbox.requests.count == 1)
            }
        }

        @Test func `a callback of Bailian's is sent the whole batch, until it is taken`() async throws {
            try await withScratch { scratch in
                let inbox = try WebhookInbox(status: 500)
                let server = try await Standalone.start(in: scratch, arguments: Self.local + Self.quick).server
                let batch = try await submit(
                    #","metadata":{"ds_batch_finish_callback":"\#(inbox.url("/done?x=1"))"}"#, to: server)
                _ = try await inbox.requests(2)
                inbox.answer(200)
                let delivery = try #require(
                    try await server.deliveries(of: batch.id, reaching: "delivered") { $0.status == "delivered" }.first)
                let requests = inbox.requests
                #expect(Set(requests.map(\.target)) == ["/done?x=1"] && Set(requests.map(\.body)).count == 1)
                #expect(Set(requests.compactMap { $0.header("webhook-id") }) == [delivery.event_id])
                let told = try requests[0].decode(BatchView.self)
                #expect(told == (try await server.batch(batch.id)) && told.status == "completed")
                let log = try #require(try await server.delivery(delivery.id).attempt_log)
                #expect(log.map(\.status_code) == Array(repeating: 500, count: log.count - 1) + [200])
            }
        }

        @Test func `a webhook into the network behind the server is refused, and the log says so`() async throws {
            try await withScratch { scratch in
                let inbox = try WebhookInbox()
                let first = try await Standalone.start(in: scratch, arguments: Self.local + Self.quick)
                _ = try await makeEndpoint(inbox.url(), at: first.server)
                #expect(try await first.process.stop() == .exited(0))
                // What was allowed once is judged again when it is called.
                let server = try await Standalone.start(in: scratch, arguments: Self.quick).server
                let json = #"{"name":"n","url":"\#(inbox.url())","event_types":["batch.completed"]}"#
                let refusal = try await server.post("/v1/webhook_endpoints", json: json)
                #expect(refusal.status == 400)
                #expect(try refusal.refusal().code == "address_not_allowed")
                let batch = try await submit("", to: server)
                let delivery = try #require(
                    try await server.deliveries(of: batch.id, reaching: "given up") { $0.status == "exhausted" }.first)
                let shown = try await server.delivery(delivery.id)
                let log = try #require(shown.attempt_log)
                #expect(log.count == 4 && log.allSatisfy { $0.status_code == nil })
                #expect(shown.last_error?.contains("not public") == true, "\(shown)")
                // The tenant learns that it is not allowed, and nothing about the network.
                #expect(inbox.requests.isEmpty)
            }
        }

        @Test func `an endpoint that answers 410 is disabled with the reason, and told again after it is enabled`()
            async throws
        {
            try await withScratch { scratch in
                let inbox = try WebhookInbox(status: 410)
                let server = try await Standalone.start(in: scratch, arguments: Self.local + Self.quick).server
                let endpoint = try await makeEndpoint(inbox.url(), at: server)
                let path = "/v1/webhook_endpoints/\(endpoint.id)"
                let first = try await submit("", to: server)
                let disabled = try await eventually("the endpoint is disabled") {
                    let now = try await server.get(path).decode(EndpointView.self)
                    return now.status == "disabled" ? now : nil
                }
                #expect(disabled.disabled_reason?.contains("410") == true)
                let second = try await submit("", to: server)
                _ = try await server.end(of: second.id)

                inbox.answer(204)
                let enabled = try await server.post(path, json: #"{"status":"enabled"}"#).decode(EndpointView.self)
                #expect(enabled.status == "enabled" && enabled.disabled_reason == nil)
                let replay = #"{"endpoint_id":"\#(endpoint.id)","since":0,"missed":true}"#
                #expect(try await server.post("/v1/webhook_deliveries/replay", json: replay).status == 200)
                let requests = try await inbox.requests(3)
                let told = try requests.map { try $0.decode(EventView.self).data.id }
                #expect(told[0] == first.id && Set(told[1...]) == [first.id, second.id])
                let ids = requests.filter { $0.text.contains(first.id) }.compactMap { $0.header("webhook-id") }
                #expect(Set(ids).count == 1, "a replay has the id of the event")
                let secret = try #require(endpoint.signing_secret)
                #expect(requests.allSatisfy { $0.isSigned(with: secret) })
            }
        }

        /// An event as brokers pass it on.
        private struct CloudEventView: Decodable {
            struct Content: Decodable {
                let batch_id: String
                let event_type: String
            }

            let specversion: String
            let id: String
            let source: String
            let type: String
            let subject: String
            let datacontenttype: String
            let data: Content
        }

        @Test func `a broker that is killed while batches end gets every event in the end`() async throws {
            let broker = try PrivateBroker()
            try broker.client().declareQueue("ended")
            try await withScratch { scratch in
                let configuration = """
                    sinks:
                      - name: rabbit
                        type: amqp
                        url: "\(broker.url)"
                        routing_key: ended
                        event_source: tests

                    """
                let path = try scratch.write(configuration, to: "shardline.yaml")
                let server = try await Standalone.start(
                    in: scratch, arguments: ["--config", path] + Self.quick
                ).server
                var batches: [String] = [try await submit("", to: server).id]
                let first = try await eventually("the first event in the queue") {
                    try broker.client().take(from: "ended")
                }
                var messages = [first]
                for number in 0..<20 {
                    if number == 5 { try broker.kill() }
                    batches.append(try await submit("", to: server).id)
                }
                for id in batches { #expect(try await server.end(of: id).status == "completed") }
                try broker.restart()
                let expected = Set(batches)
                let all = try await eventually("every event in the queue") {
                    messages += try broker.client().takeAll(from: "ended")
                    let told = try Set(messages.map { try cloudEvent($0).data.batch_id })
                    return told == expected ? messages : nil
                }
                for message in all {
                    let event = try cloudEvent(message)
                    #expect(message.contentType == "application/cloudevents+json" && message.messageID == event.id)
                    #expect(message.deliveryMode == 2 && message.routingKey == "ended")
                    #expect(event.specversion == "1.0" && event.datacontenttype == "application/json")
                    #expect(event.source == "tests" && event.type == "dashscope:System:BatchTaskFinish")
                    #expect(event.subject == event.data.batch_id && event.data.event_type == "batch.completed")
                }
                // Told again it may be, under the same id.
                #expect(Set(all.map(\.messageID)).count == batches.count)
            }
        }

        private func cloudEvent(_ message: ReceivedMessage) throws -> CloudEventView {
            try JSONDecoder().decode(CloudEventView.self, from: Data(message.body))
        }
    }
}
