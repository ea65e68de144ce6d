// SPDX-License-Identifier: Apache-2.0
import BatchCore
import PostgresTesting
import Testing

@testable import BatchAPI

@Suite struct `Faults on the wire` {
    @Test(arguments: [
        ("NONSENSE\r\n\r\n", 400), ("GET / HTTP/9.9\r\n\r\n", 400), ("G\0T / HTTP/1.1\r\n\r\n", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: x\r\nLong: \(String(repeating: "y", count: 100_000))\r\n\r\n", 431),
        ("POST /v1/batches HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /v1/batches HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 400),
        ("POST /v1/batches HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        ("POST /v1/batches HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde", 400),
        ("POST /v1/batches HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 400),
    ])
    func `are answered with the one shape of errors`(request: String, status: Int) async throws {
        let desk = try await RunningDesk.start()
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(request)
        let response = try await connection.receive()
        #expect(response.status == status && response.isProperError, "\(response.status) \(response.bodyText)")
        #expect(response["connection"] == "close")
        #expect(try await connection.isClosed())
        try await desk.stop()
    }

    @Test func `in the body of a request end it alone`() async throws {
        let desk = try await RunningDesk.start()
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("POST", "/v1/batches", headers: ["Transfer-Encoding: chunked"]))
        try await connection.send("2\r\n{}\r\nnot a size\r\n")
        let response = try await connection.receive()
        #expect(response.status == 400 && response.isProperError, "\(response.bodyText)")
        #expect(try await connection.isClosed())
        #expect(try await desk.send("GET", "/health").status == 200)
        try await desk.stop()
    }

    @Test func `after a good request do not spoil its answer`() async throws {
        let desk = try await RunningDesk.start()
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("GET", "/v1/models") + Array("NONSENSE\r\n\r\n".utf8))
        #expect(try await connection.receive().status == 200)
        let second = try await connection.receive()
        #expect(second.status == 400 && second.isProperError)
        try await desk.stop()
    }

    @Test func `such as unknown paths and methods say what there is`() async throws {
        let desk = try await RunningDesk.start()
        let unknown = try await desk.send("GET", "/v1/filez?secret=1", key: .none)
        #expect(unknown.status == 404 && unknown.isProperError)
        #expect((unknown.error["message"] as? String ?? "").contains("GET /v1/filez."))
        let wrong = try await desk.send("PUT", "/v1/files")
        #expect(wrong.status == 405 && wrong.isProperError && wrong["allow"] == "POST, GET, HEAD")
        let connection = try await RawConnection(port: desk.port)
        // A small body that nobody wants does not cost the connection.
        try await connection.send(desk.request("POST", "/nowhere", body: sample(1_000)))
        #expect(try await connection.receive().status == 404)
        try await connection.send(desk.request("GET", "/v1/models"))
        #expect(try await connection.receive().status == 200)
        #expect(!desk.log.all.joined().contains("secret"))
        try await desk.stop()
    }

    @Test func `pipelined requests are answered in order`() async throws {
        let desk = try await RunningDesk.start()
        let id = try await desk.upload(sample(800_000))
        let connection = try await RawConnection(port: desk.port)
        let paths = ["/v1/models", "/v1/files/\(id)/content", "/health", "/v1/files/\(id)/content", "/v1/nowhere"]
        try await connection.send(paths.flatMap { desk.request("GET", $0) })
        var statuses: [Int] = []
        for _ in paths { statuses.append(try await connection.receive().status) }
        #expect(statuses == [200, 200, 200, 200, 404])
        try await desk.stop()
    }
}

@Suite struct `Slow and absent partners` {
    @Test func `that drip a body are told that it is too slow`() async throws {
        let desk = try await RunningDesk.start {
            $0.bodyRateWindow = .milliseconds(200)
            $0.bodyBytesPerSecondMin = 1_000
            $0.lingerTimeout = .milliseconds(100)
        }
        let connection = try await RawConnection(port: desk.port)
        let form = Form([("file", "a", sample(1_000))])
        try await connection.send(
            desk.request("POST", "/v1/files", headers: [form.header, "Content-Length: 5000"]) + form.body.prefix(100))
        try await connection.drip()
        let response = try await connection.receive()
        #expect(response.status == 408 && response.isProperError && response["connection"] == "close")
        #expect(try await connection.isClosed())
        #expect(try desk.blobs() == (0, 0))
        try await desk.stop()
    }

    @Test func `that send nothing are disconnected`() async throws {
        let desk = try await RunningDesk.start {
            $0.idleTimeout = .milliseconds(200)
            $0.placeWait = .milliseconds(100)
        }
        let silent = try await RawConnection(port: desk.port)
        #expect(try await silent.isClosed())
        let halfHead = try await RawConnection(port: desk.port)
        try await halfHead.send("GET /health HTTP/1.1\r\nHos")
        #expect(try await halfHead.isClosed())
        try await desk.stop()
    }

    @Test func `that take nothing of a download are cut off`() async throws {
        let desk = try await RunningDesk.start { $0.responseStallTimeout = .milliseconds(200) }
        let id = try await desk.upload(sample(32 << 20))
        let connection = try await RawConnection(port: desk.port)
        try await connection.send(desk.request("GET", "/v1/files/\(id)/content"))
        #expect(await desk.log.wait(for: "the answer was cut off") != nil)
        #expect(try await connection.receive().body.count < 32 << 20)
        try await desk.stop()
    }

    @Test func `like a database that is down make answers that say when to retry`() async throws {
        let postgres = try PrivatePostgres.start()
        let desk = try await RunningDesk.start(postgres: postgres)
        #expect(try await desk.send("GET", "/ready", key: .none).text("status") == "ready")
        #expect(try await desk.send("GET", "/v1/models").status == 200)
        try postgres.stop()
        let ready = try await desk.send("GET", "/ready", key: .none)
        #expect(ready.status == 503 && ready["retry-after"] == "2")
        #expect((ready.object["checks"] as? [String: String]) == ["database": "failed", "vault": "ok"])
        #expect(try await desk.send("GET", "/health", key: .none).status == 200)
        let list = try await desk.send("GET", "/v1/files", key: .of("sk-never-seen-before-00"))
        #expect(list.status == 503 && list["retry-after"] == "2" && list.isProperError, "\(list.bodyText)")
        #expect(list["x-should-retry"] == nil)
        try postgres.restart()
        #expect(try await desk.send("GET", "/v1/files").status == 200)
        try await desk.stop()
    }

    @Test func `find their answer finished when the server stops`() async throws {
        let desk = try await RunningDesk.start()
        let form = Form([("purpose", nil, Array("batch".utf8)), ("file", "a", Array("{}".utf8))])
        let connection = try await RawConnection(port: desk.port)
        let waiting = [form.header, "Expect: 100-continue", "Content-Length: \(form.body.count)"]
        try await connection.send(desk.request("POST", "/v1/files", headers: waiting))
        #expect(try await connection.receive().status == 100)
        let idle = try await RawConnection(port: desk.port)
        await desk.beginStop()
        #expect(try await idle.isClosed())
        try await connection.send(form.body)
        #expect(try await connection.receive().status == 200)
        #expect(try await connection.isClosed())
        try await desk.stop()
    }

    @Test func `that hang do not keep the server from stopping`() async throws {
        let desk = try await RunningDesk.start { $0.drainDeadline = .milliseconds(100) }
        let connection = try await RawConnection(port: desk.port)
        let form = Form([("file", "a", sample(1_000))])
        try await connection.send(
            desk.request(
                "POST", "/v1/files",
                headers: [form.header, "Expect: 100-continue", "Content-Length: \(form.body.count)"]))
        #expect(try await connection.receive().status == 100)
        try await desk.stop()
        _ = connection
    }
}
