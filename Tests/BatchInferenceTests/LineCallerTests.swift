// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import Curl
import HTTPTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LineCallerTests {
    private let engines = CallEngines(connections: 4, userAgent: "test", logger: nil)

    /// Calls a backend whose every answer is `script`; `adjust` changes its configuration.
    private func attempt(
        _ number: Int = 1, body: String = #"{"model":"m","n":1e-7}"#, window: Duration = .seconds(60),
        adjust: (inout BackendConfiguration) -> Void = { _ in }, script: @escaping ScriptedServer.Script
    ) async throws -> AttemptResult {
        let server = try ScriptedServer(script)
        return try await call(number, body: body, base: server.url("/v1"), window: window, adjust: adjust)
    }

    private func call(
        _ number: Int = 1, body: String = "{}", base: String, window: Duration = .seconds(60),
        adjust: (inout BackendConfiguration) -> Void = { _ in }
    ) async throws -> AttemptResult {
        var configuration = BackendConfiguration(
            name: "scripted", baseURL: base, apiKey: "sk-test", models: [.any], concurrency: 1, attemptsMax: 3)
        // Without patience refusals and lost connections use up attempts like every other failure.
        configuration.outagePatience = .zero
        adjust(&configuration)
        let set = try BackendSet([configuration], version: "9.9")
        let route = try #require(set.route(model: "m", endpoint: "/v1/embeddings"))
        let place = try #require(route.reserve(avoiding: nil, at: .now))
        let request = LineRequest(
            ordinal: 4, customID: Array(#""id""#.utf8)[...], body: SharedBytes(Array(body.utf8)), attempt: number,
            windowEnds: .now + window)
        let result = await start(request, at: place)
        // Whatever happened, the place is free again.
        #expect(set.backends.map(\.inFlight) == [0])
        return result
    }

    /// Makes one attempt; cancelling the task aborts it.
    private func start(_ request: LineRequest, at place: Reservation) async -> AttemptResult {
        let caller = LineCaller(engines: engines, worker: WorkerID(rawValue: "worker_t"))
        let call = CallHandle()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = caller.start(request, at: place, as: call) { continuation.resume(returning: $0) }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            call.abort()
        }
    }

    @Test func `a success carries the answer's bytes, its usage and who made it`() async throws {
        let answer = "{\"a\": 1e-7,\n \"usage\": {\"prompt_tokens\": 3, \"total_tokens\": 3}}\n"
        let result = try await attempt(2) { _, connection in
            try connection.respond(headers: [("X-Request-ID", "b-1")], text: answer)
        }
        let outcome = try result.outcome()
        #expect(outcome.kind == .success && outcome.statusCode == 200)
        #expect(String(decoding: outcome.body, as: UTF8.self) == answer.filter { $0 != "\n" })
        #expect(outcome.usage == Usage(inputTokens: 3, totalTokens: 3))
        #expect(outcome.ordinal == 4 && outcome.attempts == 2)
        #expect(String(decoding: outcome.customID, as: UTF8.self) == #""id""#)
        #expect(outcome.requestID == "b-1" && outcome.backend == "scripted" && outcome.workerID == "worker_t")
        #expect(outcome.startedMilliseconds > 1_600_000_000_000 && outcome.durationMilliseconds >= 0)
    }

    @Test func `the backend gets the line's bytes, the key, and a name of its own per attempt`() async throws {
        let seen = Mutex<[ScriptedRequest]>([])
        let server = try ScriptedServer { request, connection in
            seen.withLock { $0.append(request) }
            try connection.respond(text: "{}")
        }
        let body = "{\"model\":\"m\",  \"x\": 1.50, \"emoji\":\"\u{1F600}\\u0041\"}"
        for _ in 0..<2 { _ = try await call(body: body, base: server.url("/v1")) }
        let requests = seen.withLock { $0 }
        #expect(requests.count == 2)
        for request in requests {
            #expect(request.method == "POST" && request.target == "/v1/embeddings")
            #expect(request.text == body)
            #expect(request.header("Authorization") == "Bearer sk-test")
            #expect(request.header("Content-Type") == "application/json")
            #expect(request.header("User-Agent") == "shardline/9.9")
            #expect(request.header("X-Request-Id") == request.header("X-Client-Request-Id"))
        }
        #expect(Set(requests.map { $0.header("X-Request-Id") }).count == 2)
    }

    private func stream(_ type: String, _ data: [String]) -> ScriptedServer.Script {
        { _, connection in
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n")
            // Cut where it hurts: a piece ends in the middle of everything once.
            for byte in data.map({ "data: \($0)\r\n\r\n" }).joined().utf8 { try connection.sendChunk([byte]) }
            try connection.sendChunk([])
        }
    }

    private static let chunk =
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"é"}}],"#
        + #""usage":{"total_tokens":2}}"#

    @Test(arguments: ["text/event-stream; charset=utf-8", "application/json", "TEXT/EVENT-STREAM"])
    func `a streamed answer is recorded whole, and its usage counted`(type: String) async throws {
        let body = #"{"model":"m","stream":true}"#
        let outcome = try await attempt(body: body, script: stream(type, [Self.chunk, Self.chunk, "[DONE]"])).outcome()
        #expect(outcome.isSuccess && outcome.statusCode == 200 && outcome.usage.totalTokens == 2)
        #expect(
            String(decoding: outcome.body, as: UTF8.self)
                == #"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","#
                + #""content":"éé"}}],"usage":{"total_tokens":2}}"#)
    }

    @Test func `a plain answer to a line that asked for a stream is taken as it is`() async throws {
        let outcome = try await attempt(body: #"{"stream":true}"#) { _, connection in
            try connection.respond(headers: [("Content-Type", "text/event-stream")], text: #"{"a": 1.0}"#)
        }.outcome()
        #expect(outcome.isSuccess && String(decoding: outcome.body, as: UTF8.self) == #"{"a": 1.0}"#)
    }

    @Test func `a stream without an end is tried again, then recorded`() async throws {
        let script = stream("text/event-stream", [Self.chunk])
        #expect(try await attempt(2, script: script).isAgain)
        let outcome = try await attempt(3, script: script).outcome()
        #expect(outcome.kind == .httpError && outcome.statusCode == 200)
        #expect(String(decoding: outcome.body, as: UTF8.self).contains("invalid_backend_response"))
    }

    @Test func `an error in the middle of a stream is whose fault its code says`() async throws {
        let refused =
            #"{"error":{"message":"long","type":"invalid_request_error","code":"context_length_exceeded"}}"#
        let outcome = try await attempt(script: stream("text/event-stream", [Self.chunk, refused])).outcome()
        #expect(outcome.kind == .httpError && outcome.statusCode == 400)
        #expect(String(decoding: outcome.body, as: UTF8.self) == refused)
        let broke = #"{"error":{"message":"oom","code":500}}"#
        #expect(try await attempt(script: stream("text/event-stream", [Self.chunk, broke])).isAgain)
    }

    @Test func `a stream that falls silent is a timeout between bytes, not of the whole`() async throws {
        let result = try await attempt(adjust: { $0.idleTimeout = .milliseconds(150) }) { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n")
            _ = connection.waitForClose()
        }
        guard case .again(let order) = result else {
            Issue.record("not tried again: \(result)")
            return
        }
        #expect(order.because.contains("timeoutIdle"))
    }

    @Test(arguments: [400, 401, 403, 404, 413, 422]) func `the request's own fault is its result`(
        status: Int
    ) async throws {
        let outcome = try await attempt { _, connection in
            try connection.respond(status, text: #"{"error":{"message":"no"}}"#)
        }.outcome()
        #expect(outcome.kind == .httpError && outcome.statusCode == status)
        #expect(String(decoding: outcome.body, as: UTF8.self) == #"{"error":{"message":"no"}}"#)
    }

    @Test(arguments: [408, 409, 425, 429, 500, 502, 503, 504]) func `the backend's fault is tried again, then recorded`(
        status: Int
    ) async throws {
        let script: ScriptedServer.Script = { _, connection in try connection.respond(status, text: "<html>busy") }
        #expect(try await attempt(2, script: script).isAgain)
        let outcome = try await attempt(3, script: script).outcome()
        #expect(outcome.kind == .httpError && outcome.statusCode == status && outcome.attempts == 3)
        let body = String(decoding: outcome.body, as: UTF8.self)
        #expect(body.contains("<html>busy") && body.contains("invalid_backend_response"))
    }

    @Test func `the backend's wish when to be asked again is honoured`() async throws {
        let result = try await attempt { _, connection in
            try connection.respond(429, headers: [("Retry-After", "7")], text: "{}")
        }
        guard case .again(let order) = result else {
            Issue.record("not tried again: \(result)")
            return
        }
        #expect(order.after >= .seconds(7) && order.isCounted && order.stop == 0)
    }

    @Test func `refusals and lost connections use up no attempt while the operator's patience lasts`() async throws {
        for status in [429, 503] {
            let result = try await attempt(
                3, adjust: { $0.outagePatience = .seconds(60) },
                script: { _, connection in try connection.respond(status, text: "{}") })
            #expect(result.isUncounted)
        }
        let server = try ScriptedServer { _, _ in }
        let base = server.url("/v1")
        server.stop()
        #expect(try await call(3, base: base, adjust: { $0.outagePatience = .seconds(60) }).isUncounted)
        let fault = try await attempt(
            3, adjust: { $0.outagePatience = .seconds(60) },
            script: { _, connection in try connection.respond(500, text: "{}") })
        #expect(try fault.outcome().statusCode == 500)
    }

    @Test func `when the wait would outlast the window, the answer is the result`() async throws {
        let outcome = try await attempt(window: .seconds(5)) { _, connection in
            try connection.respond(503, headers: [("Retry-After", "60")], text: "{}")
        }.outcome()
        #expect(outcome.statusCode == 503 && outcome.attempts == 1)
    }

    @Test(arguments: ["", "<html>", "{\"a\":", "{} {}", "null x", "\u{FEFF}{}"])
    func `a success that is no JSON is never one`(text: String) async throws {
        let script: ScriptedServer.Script = { _, connection in try connection.respond(text: text) }
        #expect(try await attempt(1, script: script).isAgain)
        let outcome = try await attempt(3, script: script).outcome()
        #expect(outcome.kind == .httpError && outcome.statusCode == 200)
        #expect(String(decoding: outcome.body, as: UTF8.self).contains("invalid_backend_response"))
    }

    @Test func `an answer cut short, with or without a length, is tried again`() async throws {
        #expect(
            try await attempt { _, connection in
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":1")
                connection.close()
            }.isAgain)
        #expect(
            try await attempt { _, connection in
                try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":1")
                connection.close()
            }.isAgain)
    }

    @Test func `no connection ends in its own code`() async throws {
        let server = try ScriptedServer { _, _ in }
        let base = server.url("/v1")
        server.stop()
        #expect(try await call(1, base: base).isAgain)
        let outcome = try await call(3, base: base).outcome()
        guard case .noResponse("connection_error", let message) = outcome.kind else {
            Issue.record("another kind: \(outcome.kind)")
            return
        }
        #expect(!message.contains("127.0.0.1"))
        #expect(outcome.statusCode == 0 && outcome.body.isEmpty)
    }

    @Test func `no answer in time ends in its own code`() async throws {
        let done = TestSignal("call ended")
        let outcome = try await attempt(
            3, adjust: { $0.totalTimeout = .milliseconds(50) }, script: { _, _ in try? done.waitOnThread() }
        ).outcome()
        done.fire()
        #expect(outcome.code == "request_timeout")
    }

    @Test func `a call that the window cuts has no result`() async throws {
        let done = TestSignal("call ended")
        let result = try await attempt(3, window: .milliseconds(50)) { _, _ in try? done.waitOnThread() }
        done.fire()
        #expect(result.isWindowOver)
        #expect(try await call(base: "http://127.0.0.1:9", window: .zero).isWindowOver)
    }

    @Test func `an answer that is too large is final`() async throws {
        let outcome = try await attempt(1, adjust: { $0.responseBytesMax = 1_024 }) { _, connection in
            try connection.respond(text: "\"" + String(repeating: "x", count: 2_000) + "\"")
        }.outcome()
        #expect(outcome.code == "response_too_large")
    }

    @Test func `a cancelled call says nothing about its line`() async throws {
        let begun = TestSignal("request arrived")
        let done = TestSignal("call ended")
        let task = Task {
            try await attempt { _, _ in
                begun.fire()
                try? done.waitOnThread()
            }
        }
        try await begun.wait()
        task.cancel()
        let result = try await task.value
        done.fire()
        #expect(result.isAborted)
    }

    @Test func `the test model answers without a backend`() async throws {
        let set = try BackendSet([], version: "1")
        let route = try #require(set.route(model: Endpoint.testModel, endpoint: Endpoint.test.rawValue))
        let place = try #require(route.reserve(avoiding: nil, at: .now))
        let outcome = try await start(
            LineRequest(
                ordinal: 0, customID: [], body: SharedBytes(Array("{}".utf8)), attempt: 1,
                windowEnds: .now + .seconds(9)),
            at: place
        ).outcome()
        #expect(outcome.isSuccess)
        #expect(outcome.usage == Usage(inputTokens: 20, outputTokens: 6, totalTokens: 26))
        #expect(String(decoding: outcome.body, as: UTF8.self).contains(TestModel.sentence))
    }
}

private struct NotFinished: Error {
    let result: String
}

extension AttemptResult {
    fileprivate func outcome() throws -> Outcome {
        guard case .finished(let outcome) = self else { throw NotFinished(result: "\(self)") }
        return outcome
    }

    fileprivate var isAgain: Bool {
        if case .again = self { return true }
        return false
    }

    fileprivate var isUncounted: Bool {
        if case .again(let order) = self { return !order.isCounted }
        return false
    }

    fileprivate var isWindowOver: Bool {
        if case .windowOver = self { return true }
        return false
    }

    fileprivate var isAborted: Bool {
        if case .aborted = self { return true }
        return false
    }
}

extension Outcome {
    fileprivate var code: String? {
        guard case .noResponse(let code, _) = kind else { return nil }
        return code
    }
}
