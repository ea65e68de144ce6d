// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Synchronization
import Testing

@Suite struct ExchangeTests {
    @Test func `a request arrives as it was made and its answer comes back whole`() async throws {
        let server = try ScriptedServer { request, connection in
            #expect(request.method == "POST")
            #expect(request.target == "/v1/../chat?a=b")
            #expect(request.header("Authorization") == "Bearer key")
            #expect(request.header("X-Empty") == "")
            #expect(request.header("Accept-Encoding") == "identity")
            #expect(request.header("Expect") == nil)
            #expect(request.header("Content-Type") == "application/json")
            #expect(request.header("User-Agent") == "shardline")
            #expect(request.text == "{}")
            try connection.respond(201, headers: [("X-Kind", "test"), ("x-kind", "again")], text: "made")
        }
        try await withEngine { engine in
            let response = try await engine.perform(
                HTTPRequest(
                    method: "POST", url: server.url("/v1/../chat?a=b"),
                    headers: ["Authorization": "Bearer key", "Content-Type": "application/json", "X-Empty": ""],
                    body: SharedBytes(Array("{}".utf8))))
            #expect(response.status == 201)
            #expect(response.headers.first("X-KIND") == "test")
            #expect(response.headers.all("x-kind") == ["test", "again"])
            #expect(response.body == Array("made".utf8))
            #expect(!response.isDelimitedByClose)
            #expect(response.timing.total >= response.timing.firstByte)
        }
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
    func `every method is sent as named, with a body and without`(method: String) async throws {
        let server = try ScriptedServer { request, connection in
            let isHead = request.method == "HEAD"
            try connection.send("HTTP/1.1 200 OK\r\nX-Method: \(request.method)\r\n")
            try connection.send("X-Body: \(request.text)\r\nContent-Length: 2\r\n\r\n" + (isHead ? "" : "ok"))
        }
        try await withEngine { engine in
            for _ in 0..<2 {
                let bare = try await engine.perform(HTTPRequest(method: method, url: server.url()))
                #expect(bare.headers.first("X-Method") == method)
                #expect(bare.body.count == (method == "HEAD" ? 0 : 2))
                if method == "HEAD" { continue }
                let full = try await engine.perform(
                    HTTPRequest(method: method, url: server.url(), body: SharedBytes(Array("body".utf8))))
                #expect(full.headers.first("X-Method") == method)
                #expect(full.headers.first("X-Body") == "body")
                let empty = try await engine.perform(
                    HTTPRequest(method: method, url: server.url(), body: SharedBytes([])))
                #expect(empty.headers.first("X-Body") == "")
            }
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `ten megabytes with every byte value go both ways unchanged`() async throws {
        let bytes = noise(10 << 20)
        let server = try ScriptedServer { request, connection in try connection.respond(body: request.body) }
        try await withEngine { engine in
            let response = try await engine.perform(
                HTTPRequest(method: "POST", url: server.url(), body: SharedBytes(bytes)))
            #expect(response.body == bytes)
        }
    }

    @Test func `a chunked answer is put together`() async throws {
        let bytes = noise(300_000)
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in stride(from: 0, to: bytes.count, by: 7001) {
                try connection.sendChunk(Array(bytes[start..<min(start + 7001, bytes.count)]))
            }
            try connection.send("0\r\nX-Trailer: 1\r\n\r\n")
        }
        try await withEngine { engine in
            let response = try await engine.perform(HTTPRequest(url: server.url()))
            #expect(response.body == bytes)
            #expect(!response.isDelimitedByClose)
            #expect(response.headers.first("X-Trailer") == nil)
        }
    }

    @Test func `a body that only the end of the connection delimits is marked`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\n\r\n{\"cut\":")
            connection.close()
        }
        try await withEngine { engine in
            let response = try await engine.perform(HTTPRequest(url: server.url()))
            #expect(response.body == Array("{\"cut\":".utf8))
            #expect(response.isDelimitedByClose)
        }
    }

    @Test func `interim answers are skipped and folded fields joined`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK: fine\r\nX-Long: one\r\n  two\r\nContent-Length: 0\r\n\r\n")
        }
        try await withEngine { engine in
            let response = try await engine.perform(HTTPRequest(url: server.url()))
            #expect(response.status == 200)
            #expect(response.headers.first("X-Early") == nil)
            #expect(response.headers.first("x-long")?.split(separator: " ") == ["one", "two"])
            #expect(response.headers.fields.count == 2)
        }
    }

    @Test func `requests one after another share a connection`() async throws {
        let server = try ScriptedServer { request, connection in try connection.respond(text: request.target) }
        try await withEngine { engine in
            for number in 0..<50 {
                let response = try await engine.perform(HTTPRequest(url: server.url("/\(number)")))
                #expect(response.body == Array("/\(number)".utf8))
            }
        }
        #expect(server.connectionCount == 1)
        #expect(server.requestCount == 50)
    }

    @Test func `three hundred requests are in flight at once`() async throws {
        let allArrived = TestSignal("300 requests have arrived")
        let counter = CounterBox()
        let server = try ScriptedServer { request, connection in
            if counter.increment() == 300 { allArrived.fire() }
            try allArrived.waitOnThread()
            try connection.respond(text: request.target)
        }
        try await withEngine { engine in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let response = try await engine.perform(HTTPRequest(url: server.url("/\(number)")))
                        return response.body == Array("/\(number)".utf8)
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(engine.inFlight == 0)
        }
        #expect(server.connectionCount == 300)
    }

    @Test func `more requests than connections wait for their turn`() async throws {
        let server = try ScriptedServer { request, connection in try connection.respond(body: request.body) }
        try await withEngine(EngineConfiguration(connectionsMax: 3)) { engine in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let body = Array("\(number)".utf8)
                        let request = HTTPRequest(method: "POST", url: server.url(), body: SharedBytes(body))
                        return try await engine.perform(request).body == body
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
        #expect(server.connectionCount <= 3)
    }

    @Test func `prepared fields serve many requests, alone and with fields of the request`() async throws {
        let server = try ScriptedServer { request, connection in
            try connection.respond(text: "\(request.header("X-Shared") ?? "-")\(request.header("X-Own") ?? "-")")
        }
        let prepared = try PreparedHeaders(["X-Shared": "s"])
        try await withEngine { engine in
            for number in 0..<6 {
                var request = HTTPRequest(url: server.url(), prepared: number == 4 ? nil : prepared)
                if number % 2 == 1 { request.headers.append("X-Own", "\(number)") }
                let response = try await engine.perform(request)
                let expected = (number == 4 ? "-" : "s") + (number % 2 == 1 ? "\(number)" : "-")
                #expect(String(decoding: response.body, as: UTF8.self) == expected)
            }
        }
    }

    @Test func `neither proxies nor netrc of the environment nor cookies have a say`() async throws {
        let server = try ScriptedServer { request, connection in
            #expect(request.header("Authorization") == nil)
            #expect(request.header("Cookie") == nil)
            #expect(request.target == "/plain")
            try connection.respond(headers: [("Set-Cookie", "a=b; Path=/")], text: "direct")
        }
        try await withEngine { engine in
            for _ in 0..<2 {
                let response = try await engine.perform(HTTPRequest(url: server.url("/plain")))
                #expect(response.body == Array("direct".utf8))
            }
        }
    }

    @Test func `redirects are an answer unless they are to be followed`() async throws {
        let server = try ScriptedServer { request, connection in
            if request.target == "/end" {
                try connection.respond(text: "arrived")
            } else {
                try connection.respond(302, headers: [("Location", "/end")], text: "elsewhere")
            }
        }
        try await withEngine { engine in
            let kept = try await engine.perform(HTTPRequest(url: server.url("/start")))
            #expect(kept.status == 302)
            let followed = try await engine.perform(HTTPRequest(url: server.url("/start"), followsRedirects: true))
            #expect(followed.status == 200)
            #expect(followed.body == Array("arrived".utf8))
            #expect(followed.headers.first("Location") == nil)
        }
    }

    @Test func `a request repeated because its idle connection was closed is answered`() async throws {
        let server = try ScriptedServer { request, connection in
            if request.numberOnConnection == 2 { return connection.close() }
            try connection.respond(body: request.body)
        }
        try await withEngine { engine in
            for text in ["first", "second"] {
                let request = HTTPRequest(method: "POST", url: server.url(), body: SharedBytes(Array(text.utf8)))
                let response = try await engine.perform(request)
                #expect(response.body == Array(text.utf8))
            }
        }
        #expect(server.connectionCount == 2)
        #expect(server.requestCount == 3)
    }

    @Test func `compressed answers are undone only when asked for`() async throws {
        let plain = [UInt8](repeating: 0, count: 1 + 258 * 4)
        let server = try ScriptedServer { request, connection in
            #expect(request.header("Accept-Encoding") == (request.target == "/zip" ? "gzip, deflate" : "identity"))
            try connection.respond(headers: [("Content-Encoding", "gzip")], body: Gzip.zeros(plain.count))
        }
        try await withEngine { engine in
            for _ in 0..<2 {
                let raw = try await engine.perform(HTTPRequest(url: server.url("/raw")))
                #expect(raw.body == Gzip.zeros(plain.count))
                let undone = try await engine.perform(
                    HTTPRequest(url: server.url("/zip"), acceptsCompression: true))
                #expect(undone.body == plain)
            }
        }
    }
}

/// A counter that closures can share.
final class CounterBox: Sendable {
    private let value = Atomic<Int>(0)

    /// Adds one and returns the new count.
    func increment() -> Int { value.add(1, ordering: .relaxed).newValue }
}
