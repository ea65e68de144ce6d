// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Synchronization
import Testing

/// Requests that are started with a callback, and fields that are stamped request by request.
@Suite struct StartedRequestTests {
    @Test func `an answer is told once, and requests can be started from there`() async throws {
        let server = try ScriptedServer { request, connection in try connection.respond(text: request.target) }
        try await withEngine(EngineConfiguration(connectionsMax: 2)) { engine in
            let told = Mutex<[String]>([])
            let done = TestSignal("ten answers")
            let chain = Chain(engine: engine, server: server) { text in
                let count = told.withLock {
                    $0.append(text)
                    return $0.count
                }
                if count == 10 { done.fire() }
                return count < 10
            }
            chain.go(0)
            try await done.wait()
            #expect(told.withLock { $0 } == (0..<10).map { "/\($0)" })
            #expect(server.requestCount == 10)
        }
    }

    @Test func `an aborted request fails once, an ended one is not affected`() async throws {
        let arrived = TestSignal("the request has arrived")
        let server = try ScriptedServer { request, connection in
            if request.target == "/quick" { return try connection.respond() }
            arrived.fire()
            _ = connection.waitForClose()
        }
        try await withEngine { engine in
            let result = Mutex<Result<HTTPResponse, CurlError>?>(nil)
            let ended = TestSignal("ended")
            let running = engine.start(HTTPRequest(url: server.url("/hang"))) { answer in
                result.withLock { $0 = answer }
                ended.fire()
            }
            try await arrived.wait()
            running.abort()
            running.abort()
            try await ended.wait()
            let failure = result.withLock { result -> CurlError? in
                if case .failure(let error) = result { error } else { nil }
            }
            #expect(failure?.code == .cancelled)
            running.abort()
            let quick = try await engine.perform(HTTPRequest(url: server.url("/quick")))
            #expect(quick.status == 200)
        }
    }

    @Test func `an engine that has stopped tells at once`() async throws {
        let engine = CurlEngine(EngineConfiguration())
        await engine.shutdown()
        let code = Mutex<CurlError.Code?>(nil)
        _ = engine.start(HTTPRequest(url: "http://127.0.0.1:1")) { answer in
            if case .failure(let error) = answer { code.withLock { $0 = error.code } }
        }
        #expect(code.withLock { $0 } == .shutdown)
    }

    @Test func `each request carries its own stamp, whatever the handle sent before`() async throws {
        let server = try ScriptedServer { request, connection in
            let stamps = ["X-Request-Id", "X-Other"].map { request.header($0) ?? "-" }
            try connection.respond(text: stamps.joined(separator: " "))
        }
        let prepared = try PreparedHeaders(
            HTTPHeaders([("Authorization", "Bearer k")]), stamped: ["X-Request-Id", "X-Other"])
        try await withEngine(EngineConfiguration(connectionsMax: 1)) { engine in
            func stamps(_ stamp: String?, own: [(String, String)] = []) async throws -> String {
                let request = HTTPRequest(
                    method: "POST", url: server.url(), headers: HTTPHeaders(own), prepared: prepared, stamp: stamp,
                    body: SharedBytes(Array("{}".utf8)))
                return String(decoding: try await engine.perform(request).body, as: UTF8.self)
            }
            var answers: [String] = []
            for stamp in ["one", "two", "longer", nil] { answers.append(try await stamps(stamp)) }
            #expect(answers == ["one one", "two two", "longer longer", "- -"])
            answers = [try await stamps("six", own: [("X-Other", "own")])]
            for stamp in ["end", "a\nb"] { answers.append(try await stamps(stamp)) }
            #expect(answers == ["- own", "end end", "a_b a_b"])
        }
    }
}

/// Requests one after another, each started where the answer to the one before is told.
private struct Chain: Sendable {
    let engine: CurlEngine
    let server: ScriptedServer
    let hear: @Sendable (String) -> Bool

    func go(_ number: Int) {
        _ = engine.start(HTTPRequest(url: server.url("/\(number)"))) { answer in
            guard case .success(let response) = answer else { return }
            if hear(String(decoding: response.body, as: UTF8.self)) { go(number + 1) }
        }
    }
}
