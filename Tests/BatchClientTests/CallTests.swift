// SPDX-License-Identifier: Apache-2.0
import BatchClient
import BatchCore
import Curl
import HTTPTesting
import Synchronization
import Testing

struct CallTests {
    @Test func `a batch is created with its fields, its key and the caller's credentials`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: batchJSON()) }
        let order = BatchOrder(
            inputFileID: "file-1", endpoint: "/v1/embeddings", window: "24h",
            metadata: [.init("b", "\"1\""), .init("a", "/")])
        let answer = try await fixture.client.createBatch(order)
        #expect(answer.value.id == "batch_1")
        #expect(answer.value.name == "n")
        #expect(answer.value.counts == RequestCounts(total: 3, completed: 1, failed: 1))
        #expect(answer.json == Array(batchJSON().utf8))
        let request = try #require(fixture.requests.all.first)
        #expect(request.method == "POST")
        #expect(request.target == "/v1/batches")
        #expect(request.header("Authorization") == "Bearer sk-test")
        #expect(request.header("Content-Type") == "application/json")
        #expect(request.header("Idempotency-Key")?.count == 32)
        #expect(
            request.text == #"{"input_file_id":"file-1","endpoint":"/v1/embeddings","completion_window":"24h","#
                + #""metadata":{"b":"\"1\"","a":"/"}}"#)
    }

    @Test func `a creation whose answer was lost is repeated under the same key`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            switch number {
            case 1: connection.reset()
            case 2: try connection.respond(502, text: "<html>")
            default: try connection.respond(text: batchJSON())
            }
        }
        _ = try await fixture.client.createBatch(.init(inputFileID: "f", endpoint: "/v1/x", window: "24h"))
        let keys = Set(fixture.requests.all.map { $0.header("Idempotency-Key") })
        #expect(fixture.requests.all.count == 3)
        #expect(keys.count == 1)
    }

    @Test func `two creations have two keys`() async throws {
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: batchJSON()) }
        for _ in 0..<2 {
            _ = try await fixture.client.createBatch(.init(inputFileID: "f", endpoint: "/v1/x", window: "24h"))
        }
        #expect(Set(fixture.requests.all.map { $0.header("Idempotency-Key") }).count == 2)
    }

    @Test func `Retry-After is waited for`() async throws {
        let fixture = try ClientFixture { number, _, connection in
            if number == 1 {
                try connection.respond(429, headers: [("Retry-After", "17")], text: errorJSON("slow down"))
            } else {
                try connection.respond(text: batchJSON())
            }
        }
        _ = try await fixture.client.batch("batch_1")
        #expect(fixture.waits.all == [.seconds(17)])
    }

    @Test func `a server that stays overloaded is given up after bounded attempts`() async throws {
        let fixture = try ClientFixture(patience: Patience(attemptsMax: 3)) { _, _, connection in
            try connection.respond(503, headers: [("x-request-id", "req_9")], text: errorJSON("Away."))
        }
        let error = await #expect(throws: ClientError.self) { try await fixture.client.batch("batch_1") }
        #expect(
            error?.message
                == "look up batch batch_1: \(fixture.client.address) failed: Away (HTTP 503, request req_9). "
                + "Try again later, or look into the server's log")
        #expect(fixture.requests.all.count == 3)
    }

    @Test func `a refusal is not repeated and keeps the server's words`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(
                409, headers: [("x-request-id", "req_1"), ("x-should-retry", "false")],
                text: errorJSON("Cannot cancel a batch with status 'completed'.", code: "7"))
        }
        let refusal = Refusal(
            status: 409, message: "Cannot cancel a batch with status 'completed'.", type: "invalid_request_error",
            code: "7", param: "p", requestID: "req_1")
        await #expect(throws: ClientError.refused(refusal, doing: "cancel batch batch_1")) {
            try await fixture.client.cancelBatch("batch_1")
        }
        #expect(fixture.requests.lines == ["POST /v1/batches/batch_1/cancel"])
        #expect(fixture.requests.all[0].header("Content-Length") == "0")
    }

    @Test func `a key that is refused comes with the way out`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(401, text: errorJSON("Incorrect API key provided."))
        }
        let error = await #expect(throws: ClientError.self) { try await fixture.client.models() }
        #expect(
            error?.message
                == "list models: Incorrect API key provided (HTTP 401). Set --api-key or SHARDLINE_API_KEY")
    }

    @Test func `without a key no credentials are sent`() async throws {
        let fixture = try ClientFixture(apiKey: nil) { _, _, connection in
            try connection.respond(text: #"{"object":"list","data":[{"id":"m"}]}"#)
        }
        #expect(try await fixture.client.models().elements.map(\.value.id) == ["m"])
        #expect(fixture.requests.all.first?.header("Authorization") == nil)
    }

    @Test func `nobody there is told at once, with the address`() async throws {
        let fixture = try ClientFixture { _, _, _ in }
        fixture.server.stop()
        let gone = try ScriptedServer { _, _ in }
        let address = try ServerAddress(gone.url(""))
        gone.stop()
        let client = Client(address: address, apiKey: nil, engine: CurlEngine(EngineConfiguration())) { _ in
            Issue.record("waited for a server that is not there")
        }
        // The listener closes on its own thread: until then the connection is accepted or reset.
        var error: ClientError?
        for _ in 0..<100 {
            error = await #expect(throws: ClientError.self) { try await client.batch("x") }
            if case .unreachable = error { break }
        }
        #expect(error == .unreachable(server: address.description, why: nil))
    }

    @Test func `an answer that is not this API's is told as such`() async throws {
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(headers: [("Content-Type", "text/html")], text: "<html>hello</html>")
        }
        let error = await #expect(throws: ClientError.self) { try await fixture.client.batch("x") }
        guard case .unintelligible = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a foreign error page is excerpted, HTML is not`() async throws {
        let fixture = try ClientFixture(patience: Patience(attemptsMax: 1)) { number, _, connection in
            if number == 1 {
                try connection.respond(404, headers: [("Content-Type", "text/plain")], text: "no  such\nroute")
            } else {
                try connection.respond(404, headers: [("Content-Type", "text/html; x")], text: "<html>")
            }
        }
        for expected in ["look up file f: no such route (HTTP 404)", "look up file f: no reason given (HTTP 404)"] {
            let error = await #expect(throws: ClientError.self) { try await fixture.client.file("f") }
            #expect(error?.message == expected)
        }
    }

    @Test func `a cancelled task ends a call that waits`() async throws {
        let arrived = TestSignal("request")
        let release = TestSignal("release")
        let fixture = try ClientFixture { _, _, _ in
            arrived.fire()
            try release.waitOnThread()
        }
        let call = Task { try await fixture.client.batch("x") }
        try await arrived.wait()
        call.cancel()
        await #expect(throws: ClientError.cancelled) { try await call.value }
        release.fire()
    }
}
