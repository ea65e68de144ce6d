// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl
import HTTPTesting
import Synchronization
import Testing

@testable import BatchInference

@Suite(.timeLimit(.minutes(1)))
struct AudioCallTests {
    private let engines = CallEngines(connections: 4, userAgent: "test", logger: nil)
    private static let answer: ScriptedServer.Script = { _, connection in try connection.respond(text: "{}") }
    private static let loopback = AudioRules(addressRule: .any)

    /// What came of a line, and of all its starts.
    private struct Run {
        var result: AttemptResult
        var starts: Int
        var set: BackendSet
        var caller: LineCaller
    }

    /// Starts a line until it has been tried.
    private func run(
        _ body: String, number: Int = 1, rules: AudioRules = loopback, window: Duration = .seconds(60),
        backend script: @escaping ScriptedServer.Script
    ) async throws -> Run {
        let server = try ScriptedServer(script)
        var configuration = BackendConfiguration(
            name: "scripted", baseURL: server.url("/v1"), apiKey: "sk", models: [.any], concurrency: 1, attemptsMax: 3)
        configuration.outagePatience = .zero
        let set = try BackendSet([configuration], version: "1")
        let route = try #require(set.route(model: "w", endpoint: "/v1/audio/transcriptions"))
        let caller = LineCaller(engines: engines, worker: WorkerID(rawValue: "worker_t"), audio: rules)
        var request = LineRequest(
            ordinal: 0, customID: Array(#""id""#.utf8)[...], body: SharedBytes(Array(body.utf8)), attempt: number,
            windowEnds: .now + window)
        for starts in 1... {
            let place = try #require(route.reserve(at: .now))
            let result = await start(request, caller, place)
            #expect(set.backends.map(\.inFlight) == [0])
            guard case .again(let order) = result, !order.isTry, let upload = order.upload else {
                return Run(result: result, starts: starts, set: set, caller: caller)
            }
            request.upload = upload
        }
        throw CancellationError()
    }

    private func start(_ request: LineRequest, _ caller: LineCaller, _ place: Reservation) async -> AttemptResult {
        await withCheckedContinuation { continuation in
            let result = caller.start(request, at: place, as: CallHandle()) { continuation.resume(returning: $0) }
            if let result { continuation.resume(returning: result) }
        }
    }

    /// The call's own hold on its bytes goes a moment after its result is told.
    private func expectNothingTaken(_ caller: LineCaller) async {
        let deadline = ContinuousClock.now + .seconds(10)
        while caller.files?.bytesTaken != 0, .now < deadline { await Task.yield() }
        #expect(caller.files?.bytesTaken == 0)
    }

    private func line(_ url: String, _ more: String = "") -> String {
        #"{"model":"w","file_url":"\#(url)"\#(more)}"#
    }

    @Test func `the file is fetched and sent as a form with the line's fields`() async throws {
        let sound = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let files = try ScriptedServer { request, connection in
            #expect(request.method == "GET" && request.target == "/dir/talk.wav?sig=1")
            #expect(request.header("Authorization") == nil)
            try connection.respond(headers: [("Content-Type", "audio/wav")], body: sound)
        }
        let seen = Mutex<[ScriptedRequest]>([])
        let run = try await run(line(files.url("/dir/talk.wav?sig=1"), #","temperature":0.50"#)) {
            request, connection in
            seen.withLock { $0.append(request) }
            try connection.respond(text: #"{"text":"hi", "usage":{"input_tokens":2,"output_tokens":1}}"#)
        }
        let outcome = try run.result.outcome()
        #expect(outcome.isSuccess && outcome.attempts == 1 && outcome.backend == "scripted")
        #expect(outcome.usage == Usage(inputTokens: 2, outputTokens: 1, totalTokens: 3))
        #expect(String(decoding: outcome.body, as: UTF8.self).hasPrefix(#"{"text":"hi""#))
        let request = try #require(seen.withLock { $0.first })
        #expect(
            request.header("Content-Type") == AudioForm.contentType && request.header("Authorization") == "Bearer sk")
        let fields = [(name: "model", value: Array("w".utf8)), (name: "temperature", value: Array("0.50".utf8))]
        #expect(request.body == AudioForm.bytes(fields, file: sound, name: "talk.wav", type: "audio/wav"))
        #expect(run.starts == 2)
        await expectNothingTaken(run.caller)
    }

    @Test func `a data URL needs no fetch`() async throws {
        let bodies = Mutex<[[UInt8]]>([])
        let run = try await run(line("data:audio/mpeg;base64,TWFu")) { request, connection in
            bodies.withLock { $0.append(request.body) }
            try connection.respond(text: #"{"text":""}"#)
        }
        #expect(try run.result.outcome().isSuccess)
        let fields = [(name: "model", value: Array("w".utf8))]
        let form = AudioForm.bytes(fields, file: Array("Man".utf8), name: "audio.mp3", type: "audio/mpeg")
        #expect(bodies.withLock { $0 } == [form])
    }

    @Test(arguments: ["text/plain; charset=utf-8", "text/vtt", "application/x-subrip", ""])
    func `a text answer becomes JSON`(type: String) async throws {
        let run = try await run(line("data:,x", #","response_format":"vtt""#)) { _, connection in
            try connection.respond(
                headers: type.isEmpty ? [] : [("Content-Type", type)], text: "WEBVTT\n\n00:00 \"Hé\"")
        }
        let outcome = try run.result.outcome()
        #expect(outcome.isSuccess)
        #expect(String(decoding: outcome.body, as: UTF8.self) == #"{"text":"WEBVTT\n\n00:00 \"Hé\""}"#)
    }

    @Test func `an error page is no transcription`() async throws {
        let run = try await run(line("data:,x")) { _, connection in
            try connection.respond(headers: [("Content-Type", "text/html")], text: "<html>")
        }
        #expect(run.result.isTryAgain)
    }

    @Test(arguments: [400, 401, 403, 404, 410]) func `a file that is not there is the line's own fault`(
        status: Int
    ) async throws {
        let files = try ScriptedServer { _, connection in try connection.respond(status, text: "no") }
        let run = try await run(line(files.url("/a.wav")), backend: Self.answer)
        let outcome = try run.result.outcome()
        #expect(outcome.failureCode == "file_url_unreachable" && outcome.backend.isEmpty)
        #expect(run.set.backends[0].failingFor(at: .now) == nil)
    }

    @Test(arguments: [500, 503, 429, 0]) func `a file server in trouble costs attempts, and the backend no trust`(
        status: Int
    ) async throws {
        let files = try ScriptedServer { _, connection in
            if status == 0 {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut")
                connection.close()
            } else {
                try connection.respond(status, text: "later")
            }
        }
        let first = try await run(line(files.url("/a.wav")), backend: Self.answer)
        #expect(first.result.isTryAgain && first.set.backends[0].failingFor(at: .now) == nil)
        let last = try await run(line(files.url("/a.wav")), number: 3, backend: Self.answer)
        #expect(try last.result.outcome().failureCode == "file_url_unreachable")
        await expectNothingTaken(last.caller)
    }

    @Test func `a file that is too large is refused, by its URL and within the line`() async throws {
        let rules = AudioRules(fileBytesMax: 10, heldBytesMax: 100, addressRule: .any)
        let files = try ScriptedServer { _, connection in try connection.respond(text: "12345678901") }
        let fetched = try await run(line(files.url("/a")), rules: rules, backend: Self.answer)
        #expect(try fetched.result.outcome().failureCode == "file_too_large")
        let inside = try await run(line("data:,12345678901"), rules: rules, backend: Self.answer)
        #expect(try inside.result.outcome().failureCode == "file_too_large")
    }

    @Test(arguments: ["http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]/a", "http://u:p@example.com/a"])
    func `an address that is not public is not called`(url: String) async throws {
        let run = try await run(line(url), rules: AudioRules(), backend: Self.answer)
        let outcome = try run.result.outcome()
        #expect(outcome.failureCode == "file_url_not_allowed")
        #expect("\(outcome.kind)".contains("127.0.0.1") == false)
    }

    @Test func `without room for its file a line comes back untried`() async throws {
        let rules = AudioRules(fileBytesMax: 10, heldBytesMax: 10, addressRule: .any)
        let files = try ScriptedServer(Self.answer)
        let server = try ScriptedServer(Self.answer)
        let set = try BackendSet(
            [BackendConfiguration(name: "b", baseURL: server.url("/v1"), models: [.any])], version: "1")
        let route = try #require(set.route(model: "w", endpoint: "/v1/audio/translations"))
        let caller = LineCaller(engines: engines, worker: WorkerID(rawValue: "w"), audio: rules)
        let request = LineRequest(
            ordinal: 0, customID: [], body: SharedBytes(Array(line(files.url("/a")).utf8)), attempt: 1,
            windowEnds: .now + .seconds(60))
        let first = await start(request, caller, try #require(route.reserve(at: .now)))
        let second = await start(request, caller, try #require(route.reserve(at: .now)))
        guard case .again(let kept) = first, case .again(let order) = second else {
            Issue.record("\(first), \(second)")
            return
        }
        #expect(kept.upload != nil && order.upload == nil && !order.isTry && order.after > .zero)
        #expect(set.backends.map(\.inFlight) == [0])
    }

    @Test func `the window ends a fetch without blaming the line`() async throws {
        let files = try ScriptedServer { _, connection in _ = connection.waitForClose() }
        let run = try await run(line(files.url("/a")), window: .milliseconds(200), backend: Self.answer)
        guard case .windowOver = run.result else {
            Issue.record("\(run.result)")
            return
        }
        await expectNothingTaken(run.caller)
    }
}

extension AttemptResult {
    fileprivate func outcome() throws -> Outcome {
        guard case .finished(let outcome) = self else {
            Issue.record("not finished: \(self)")
            throw CancellationError()
        }
        return outcome
    }

    fileprivate var isTryAgain: Bool {
        if case .again(let order) = self { return order.isTry && order.isCounted }
        return false
    }
}

extension Outcome {
    fileprivate var failureCode: String? {
        guard case .noResponse(let code, _) = kind else { return nil }
        return code
    }
}
