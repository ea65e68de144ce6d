// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Testing

@Suite struct CancellationTests {
    @Test func `cancelling aborts the transfer and frees its place`() async throws {
        let arrived = TestSignal("the request has arrived")
        let closed = TestSignal("the client has closed")
        let server = try ScriptedServer { request, connection in
            if request.target == "/quick" { return try connection.respond() }
            arrived.fire()
            if connection.waitForClose() { closed.fire() }
        }
        try await withEngine(EngineConfiguration(connectionsMax: 1)) { engine in
            let hanging = Task { try await engine.perform(HTTPRequest(url: server.url("/hang"))) }
            try await arrived.wait()
            #expect(engine.inFlight == 1)
            hanging.cancel()
            let result = await hanging.result
            #expect(throws: CurlError.self) { try result.get() }
            #expect((result.failure as? CurlError)?.code == .cancelled)
            try await closed.wait()
            #expect(engine.inFlight == 0)
            #expect(try await engine.perform(HTTPRequest(url: server.url("/quick"))).status == 200)
        }
    }

    @Test func `a task cancelled beforehand sends nothing`() async throws {
        let server = try ScriptedServer { _, connection in try connection.respond() }
        try await withEngine { engine in
            let start = TestSignal("the task is cancelled")
            let task = Task {
                try await start.wait()
                return try await engine.perform(HTTPRequest(url: server.url()))
            }
            task.cancel()
            start.fire()
            let result = await task.result
            #expect((result.failure as? CurlError)?.code == .cancelled)
        }
        #expect(server.requestCount == 0)
    }

    @Test func `a request cancelled while it waits for its turn is never sent`() async throws {
        let arrived = TestSignal("the first request has arrived")
        let release = TestSignal("the first request may be answered")
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            try release.waitOnThread()
            try connection.respond()
        }
        try await withEngine(EngineConfiguration(connectionsMax: 1)) { engine in
            async let first = engine.perform(HTTPRequest(url: server.url()))
            try await arrived.wait()
            let second = Task { try await engine.perform(HTTPRequest(url: server.url())) }
            second.cancel()
            #expect((await second.result.failure as? CurlError)?.code == .cancelled)
            release.fire()
            #expect(try await first.status == 200)
        }
        #expect(server.requestCount == 1)
    }

    @Test func `shutting down ends what is in flight, waiting or still to come`() async throws {
        let arrived = TestSignal("two requests have arrived")
        let counter = CounterBox()
        let server = try ScriptedServer { _, connection in
            if counter.increment() == 2 { arrived.fire() }
            _ = connection.waitForClose()
        }
        let engine = CurlEngine(EngineConfiguration(connectionsMax: 2))
        let tasks = (0..<5).map { _ in Task { try await engine.perform(HTTPRequest(url: server.url())) } }
        try await arrived.wait()
        await engine.shutdown()
        for task in tasks {
            #expect((await task.result.failure as? CurlError)?.code == .shutdown)
        }
        let error = try await failure { () async throws(CurlError) in
            try await engine.perform(HTTPRequest(url: server.url()))
        }
        #expect(error.code == .shutdown)
        #expect(engine.inFlight == 0)
        await engine.shutdown()
    }

    @Test func `an engine nobody holds ends its thread and its connections`() async throws {
        let closed = TestSignal("the idle connection is closed")
        let server = try ScriptedServer { _, connection in
            try connection.respond()
            if connection.waitForClose() { closed.fire() }
        }
        var engine: CurlEngine? = CurlEngine(EngineConfiguration())
        _ = try await engine?.perform(HTTPRequest(url: server.url()))
        engine = nil
        try await closed.wait()
    }
}

extension Result {
    /// The error, if it is one.
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
