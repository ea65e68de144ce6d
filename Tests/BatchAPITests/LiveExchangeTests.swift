// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchStore
import Testing

@testable import BatchAPI

private let chat = "/api/v3/batch/chat/completions"
private let body = #"{"model":"tiny","messages":[{"role":"user","content":"hi"}]}"#

@Suite struct `Batch chat` {
    @Test func `hands over the body without what says nothing, and the answer byte by byte`() async throws {
        let lane = ScriptedLane { _ in .success(#"{ "id" : "x",  "n":1e400 }"#) }
        var limits = Limits()
        limits.ark.models = ArkModels(["ep-bi-1": "Org/Model"])
        let desk = try await RunningDesk.start(limits: limits, live: lane)
        let sent = #"{"model":"ep-bi-1","n":null,"messages":[{"role":"user","name":null,"content":"你好"}],"x": 1.0}"#
        let answer = try await desk.send(
            "POST", chat, headers: ["X-Client-Request-Id: 20261121id"], body: Array(sent.utf8))
        #expect(answer.status == 200 && answer["content-type"] == "application/json")
        #expect(answer.bodyText == #"{ "id" : "x",  "n":1e400 }"#)
        #expect(answer["x-client-request-id"] == "20261121id" && answer.hasRequestID && answer["retry-after"] == nil)
        let request = try #require(lane.requests.first)
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"model":"Org/Model","messages":[{"role":"user","content":"你好"}],"x": 1.0}"#)
        #expect(request.model == "Org/Model" && request.endpoint == "/v1/chat/completions" && request.isDurable)
        #expect(request.project == desk.project && request.wait == .seconds(72 * 3_600))
        let key = try #require(try await desk.store.listAPIKeys().first)
        #expect(request.key == key.keyID)
        try await desk.stop()
    }

    @Test(arguments: [
        ("chat/completions", body, "/v1/chat/completions"),
        ("embeddings", #"{"model":"tiny","input":["a"],"user":null}"#, "/v1/embeddings"),
        ("embeddings", #"{"model":"tiny","input":"a"}"#, "/v1/embeddings"),
        ("embeddings/multimodal", #"{"model":"tiny","input":[{"type":"text"}]}"#, "/v1/embeddings/multimodal"),
        ("chat/completions", #"{"model":"batch-test-model","messages":[{}]}"#, "/v1/chat/ds-test"),
    ])
    func `goes to the path that backends know`(path: String, body: String, endpoint: String) async throws {
        let lane = ScriptedLane { _ in .success() }
        let desk = try await RunningDesk.start(live: lane)
        let answer = try await desk.send(
            "POST", "/api/v3/batch/" + path, headers: ["X-Shardline-Durable: false"], body: Array(body.utf8))
        #expect(answer.status == 200, "\(answer.bodyText)")
        #expect(lane.requests.map(\.endpoint) == [endpoint] && lane.requests.map(\.isDurable) == [false])
        try await desk.stop()
    }

    @Test func `refuses at once what no backend could answer`() async throws {
        let lane = ScriptedLane { _ in .success() }
        let desk = try await RunningDesk.start(live: lane)
        let cases: [(String, String, Int, String?, String?)] = [
            (chat, "", 400, "invalid_json", nil), (chat, "{", 400, "invalid_json", nil),
            (chat, "{}x", 400, "invalid_json", nil), (chat, "[]", 400, "invalid_type", nil),
            (chat, #"{"messages":[{}]}"#, 400, "missing_required_parameter", "model"),
            (chat, #"{"model":null,"messages":[{}]}"#, 400, "missing_required_parameter", "model"),
            (chat, #"{"model":1,"messages":[{}]}"#, 400, "invalid_type", "model"),
            (chat, #"{"model":"","messages":[{}]}"#, 400, "invalid_value", "model"),
            (chat, #"{"model":"tiny"}"#, 400, "missing_required_parameter", "messages"),
            (chat, #"{"model":"tiny","messages":[]}"#, 400, "invalid_value", "messages"),
            (chat, #"{"model":"tiny","messages":"x"}"#, 400, "invalid_type", "messages"),
            (chat, #"{"model":"tiny","messages":[{}],"stream":true}"#, 400, "unsupported_value", "stream"),
            (chat, #"{"model":"tiny","messages":[{}],"stream":1}"#, 400, "invalid_type", "stream"),
            (chat, #"{"model":"huge","messages":[{}]}"#, 404, "InvalidEndpointOrModel.NotFound", "model"),
            ("/api/v3/batch/embeddings", body, 400, "missing_required_parameter", "input"),
            ("/api/v3/batch/embeddings", #"{"model":"tiny","input":""}"#, 400, "invalid_value", "input"),
            (
                "/api/v3/batch/embeddings", #"{"model":"batch-test-model","input":"a"}"#, 404,
                "InvalidEndpointOrModel.NotFound", "model"
            ),
            ("/api/v3/batch/embeddings/multimodal", #"{"model":"tiny","input":"a"}"#, 400, "invalid_type", "input"),
            ("/api/v3/batch/chat", body, 404, nil, nil),
        ]
        for (path, body, status, code, param) in cases {
            let answer = try await desk.send(
                "POST", path, headers: ["X-Client-Request-Id: mine"], body: Array(body.utf8))
            #expect(answer.status == status && answer.isProperError, "\(path) \(body): \(answer.bodyText)")
            #expect(answer.error["code"] as? String == code && answer.error["param"] as? String == param, "\(body)")
            #expect(answer["retry-after"] == nil && answer["x-client-request-id"] == "mine", "\(body)")
        }
        let wrong = try await desk.send("POST", chat, headers: ["X-Shardline-Durable: maybe"], body: Array(body.utf8))
        #expect(wrong.status == 400 && wrong.error["param"] as? String == "X-Shardline-Durable")
        #expect(try await desk.send("GET", chat).status == 405)
        #expect(lane.requests.isEmpty)
        try await desk.stop()
    }

    @Test func `is not open to what the operator leaves out`() async throws {
        var limits = Limits()
        limits.endpoints = try EndpointList(parsing: "/v1/embeddings")
        let desk = try await RunningDesk.start(limits: limits, live: ScriptedLane { _ in .success() })
        let refused = try await desk.send("POST", chat, body: Array(body.utf8))
        #expect(refused.status == 404 && refused.error["code"] as? String == "endpoint_not_allowed")
        let taken = try await desk.send(
            "POST", "/api/v3/batch/embeddings", body: Array(#"{"model":"tiny","input":"a"}"#.utf8))
        #expect(taken.status == 200)
        try await desk.stop()
    }

    @Test func `never answers what makes clients repeat without a pause`() async throws {
        let cases: [(BatchError, Int, String?)] = [
            (BatchError(status: 429, type: "t", message: "m"), 429, "5"),
            (BatchError(status: 429, type: "t", message: "m", retryAfterSeconds: 7), 429, "7"),
            (.unavailable("m", retryAfterSeconds: 1), 503, "1"), (.conflict("m"), 400, nil),
            (BatchError(status: 500, type: "server_error", message: "m"), 503, "5"), (.storageFull("m"), 503, "5"),
            (BatchError(status: 408, type: "t", message: "m"), 503, "5"),
            (BatchError(status: 400, type: "t", message: "m", retryAfterSeconds: 3), 400, nil),
        ]
        for (error, status, retryAfter) in cases {
            let desk = try await RunningDesk.start(live: ScriptedLane { _ in throw error })
            let answer = try await desk.send("POST", chat, body: Array(body.utf8))
            #expect(answer.status == status && answer["retry-after"] == retryAfter && answer.isProperError)
            try await desk.stop()
        }
        struct Surprise: Error {}
        let desk = try await RunningDesk.start(live: ScriptedLane { _ in throw Surprise() })
        let answer = try await desk.send("POST", chat, body: Array(body.utf8))
        #expect(answer.status == 503 && answer["retry-after"] == "5")
        #expect(await desk.log.wait(for: "Surprise") != nil)
        try await desk.stop()
    }

    @Test(arguments: [
        (400, #"{"error":{"message":"too long","code":"ctx","type":"x","param":null}}"#, 400, "ctx", "too long"),
        (404, #"{"object":"error","message":"no such model","code":404}"#, 404, "404", "no such model"),
        (422, "<html>", 422, "http_422", "The backend answered with status 422 and no message."),
        (409, #"{"error":"busy"}"#, 400, "http_409", "busy"), (200, "", 503, "service_unavailable", nil),
    ])
    func `gives a backend's refusal the one form of its clients`(
        status: Int, body said: String, told: Int, code: String, message: String?
    ) async throws {
        let desk = try await RunningDesk.start(
            live: ScriptedLane { _ in LiveAnswer(status: status, body: Array(said.utf8), requestID: "r") })
        let answer = try await desk.send("POST", chat, body: Array(body.utf8))
        #expect(answer.status == told && answer.isProperError && answer.error["code"] as? String == code)
        if let message { #expect(answer.error["message"] as? String == message) }
        #expect((answer["retry-after"] != nil) == (told == 503))
        try await desk.stop()
    }

    @Test func `bounds one body, and all of them together`() async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane) {
            $0.liveBodyBytesMax = 400
            $0.liveHeldBytesMax = 700
        }
        let padded = body + String(repeating: " ", count: 400 - body.utf8.count)
        let large = try await desk.send("POST", chat, body: Array((padded + " ").utf8))
        #expect(large.status == 413 && large.isProperError && large["retry-after"] == nil)
        let inMemory = ["X-Shardline-Durable: false"]
        let whole = desk.request("POST", chat, headers: inMemory, body: Array(padded.utf8))
        // Who announces a body and does not send it keeps no memory from the others.
        let slow = try await RawConnection(port: desk.port)
        try await slow.send(Array(whole.dropLast(padded.utf8.count)))
        let first = try await RawConnection(port: desk.port)
        try await first.send(whole)
        #expect(await lane.waitForEvents(1))
        let refused = try await desk.send("POST", chat, headers: inMemory, body: Array(padded.utf8))
        #expect(refused.status == 429 && refused["retry-after"] == "2")
        let second = try await RawConnection(port: desk.port)
        try await second.send(desk.request("POST", chat, headers: inMemory, body: Array(body.utf8)))
        #expect(await lane.waitForEvents(2))
        lane.release(0, .success(.success()))
        #expect(try await first.receive().status == 200)
        try await slow.send(padded)
        #expect(await lane.waitForEvents(3))
        for number in 1...2 { lane.release(number, .success(.success())) }
        #expect(try await second.receive().status == 200)
        #expect(try await slow.receive().status == 200)
        try await desk.stop()
    }

    @Test func `keeps nothing of what is handed on to the database`() async throws {
        let lane = ScriptedLane()
        let desk = try await RunningDesk.start(live: lane) { $0.liveHeldBytesMax = 700 }
        let padded = body + String(repeating: " ", count: 400 - body.utf8.count)
        let connections = try await [RawConnection(port: desk.port), RawConnection(port: desk.port)]
        for (place, connection) in connections.enumerated() {
            try await connection.send(desk.request("POST", chat, body: Array(padded.utf8)))
            #expect(await lane.waitForEvents(place + 1))
        }
        for number in 0...1 { lane.release(number, .success(.success())) }
        for connection in connections { #expect(try await connection.receive().status == 200) }
        try await desk.stop()
    }
}
