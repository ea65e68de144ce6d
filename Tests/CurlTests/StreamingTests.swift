// SPDX-License-Identifier: Apache-2.0
import Curl
import Foundation
import HTTPTesting
import Synchronization
import Testing

@Suite struct StreamingTests {
    // MARK: Download

    @Test func `a download brings its head first and then every byte`() async throws {
        let bytes = noise(3 << 20)
        let goOn = TestSignal("the head has been seen")
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nX-Kind: stream\r\nContent-Length: \(bytes.count)\r\n\r\n")
            try goOn.waitOnThread()
            try connection.send(bytes)
        }
        try await withEngine { engine in
            let download = try await engine.download(HTTPRequest(url: server.url()))
            #expect(download.status == 200)
            #expect(download.headers.first("x-kind") == "stream")
            #expect(!download.isDelimitedByClose)
            goOn.fire()
            var received: [UInt8] = []
            for try await piece in download.body {
                #expect(!piece.isEmpty)
                received += piece
            }
            #expect(received == bytes)
        }
        #expect(server.connectionCount == 1)
    }

    @Test func `a consumer that lags holds the server back`() async throws {
        let total = 200 << 20
        let counter = SentBytes()
        let stalled = TestSignal("the server cannot send more, or has sent all")
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let piece = [UInt8](repeating: 0x5A, count: 64 << 10)
            for _ in 0..<(total / piece.count) {
                if !connection.isWritable(milliseconds: 500) { stalled.fire() }
                try connection.send(piece)
                counter.add(piece.count)
            }
            stalled.fire()
        }
        try await withEngine { engine in
            let download = try await engine.download(HTTPRequest(url: server.url(), responseBytesMax: total))
            var pieces = download.body.makeAsyncIterator()
            var received = try await pieces.next()?.count ?? 0
            try await stalled.wait(seconds: 60)
            #expect(counter.value < 64 << 20)
            var largest = 0
            while let piece = try await pieces.next() {
                received += piece.count
                largest = max(largest, piece.count)
            }
            #expect(received == total)
            #expect(largest <= (256 << 10) + (128 << 10))
        }
    }

    @Test func `a slow consumer does not run out of idle time`() async throws {
        let resume = TestSignal("the pause has been longer than the idle limit")
        let server = try ScriptedServer { _, connection in
            try connection.respond(body: [UInt8](repeating: 1, count: 8 << 20))
        }
        try await withEngine { engine in
            let request = HTTPRequest(url: server.url(), timeouts: Timeouts(idle: .milliseconds(200)))
            let download = try await engine.download(request)
            // Another transfer that runs out of the same limit, begun later, proves that the time has passed.
            let silent = try ScriptedServer { _, connection in
                try connection.send("HTTP/1.1 200 OK\r\n\r\n")
                _ = connection.waitForClose()
            }
            let error = try await failure { () async throws(CurlError) in
                try await engine.perform(
                    HTTPRequest(url: silent.url(), timeouts: Timeouts(idle: .milliseconds(400))))
            }
            #expect(error.code == .timeoutIdle)
            resume.fire()
            var received = 0
            for try await piece in download.body { received += piece.count }
            #expect(received == 8 << 20)
        }
    }

    @Test func `a download that breaks delivers what came and then the error`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            connection.close()
        }
        try await withEngine { engine in
            let download = try await engine.download(HTTPRequest(url: server.url()))
            var received: [UInt8] = []
            do throws(CurlError) {
                for try await piece in download.body { received += piece }
                Issue.record("the download ended well")
            } catch {
                #expect(error.code == .connectionLost)
            }
            #expect(received == Array("half".utf8))
        }
    }

    @Test func `a download has a size limit too`() async throws {
        let server = try ScriptedServer { _, connection in
            try connection.respond(body: [UInt8](repeating: 1, count: 4 << 20))
        }
        try await withEngine { engine in
            let download = try await engine.download(HTTPRequest(url: server.url(), responseBytesMax: 3 << 20))
            do throws(CurlError) {
                for try await _ in download.body {}
                Issue.record("the download ended well")
            } catch {
                #expect(error.code == .responseTooLarge)
            }
        }
    }

    @Test func `letting go of a download aborts it`() async throws {
        let closed = TestSignal("the client has closed")
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\n\r\nfirst")
            if connection.waitForClose() { closed.fire() }
        }
        try await withEngine { engine in
            do {
                let download = try await engine.download(HTTPRequest(url: server.url()))
                var pieces = download.body.makeAsyncIterator()
                #expect(try await pieces.next() == Array("first".utf8))
            }
            try await closed.wait()
        }
    }

    @Test func `cancelling the consumer of a download ends its wait`() async throws {
        let waiting = TestSignal("the first piece has been read")
        let server = try ScriptedServer { _, connection in
            try connection.send("HTTP/1.1 200 OK\r\n\r\nfirst")
            _ = connection.waitForClose()
        }
        try await withEngine { engine in
            let download = try await engine.download(HTTPRequest(url: server.url()))
            let task = Task {
                for try await _ in download.body { waiting.fire() }
            }
            try await waiting.wait()
            task.cancel()
            #expect((await task.result.failure as? CurlError)?.code == .cancelled)
        }
    }

    @Test func `a download fails before its head when there is none`() async throws {
        let server = try ScriptedServer { _, connection in connection.close() }
        try await withEngine { engine in
            let error = try await failure { () async throws(CurlError) in
                let download = try await engine.download(HTTPRequest(url: server.url()))
                return HTTPResponse(status: download.status)
            }
            #expect(error.code == .connectionLost)
        }
    }

    // MARK: Upload

    @Test(arguments: [true, false])
    func `an upload joins bytes and file ranges`(announcesLength: Bool) async throws {
        let bytes = noise(700_000)
        let file = try TemporaryFile(bytes)
        let server = try ScriptedServer { request, connection in
            #expect((request.header("Content-Length") != nil) == announcesLength)
            #expect((request.header("Transfer-Encoding") == "chunked") == !announcesLength)
            #expect(request.header("Expect") == nil)
            try connection.respond(headers: [("X-Method", request.method)], body: request.body)
        }
        let body = UploadBody(
            [
                .bytes(SharedBytes(Array("start".utf8))), .bytes(SharedBytes([])),
                .file(path: file.path, offset: 1000, length: 500_000), .file(path: file.path, offset: 0, length: 0),
                .file(path: file.path, offset: 0, length: 10), .bytes(SharedBytes(Array("end".utf8))),
            ], announcesLength: announcesLength)
        try await withEngine { engine in
            for method in ["POST", "PUT"] {
                let response = try await engine.upload(HTTPRequest(method: method, url: server.url()), body: body)
                let expected = Array("start".utf8) + bytes[1000..<501_000] + bytes[..<10] + Array("end".utf8)
                #expect(response.body == expected)
                #expect(response.headers.first("X-Method") == method)
            }
        }
    }

    @Test func `half a gigabyte goes up without being in memory`() async throws {
        let total: Int64 = 512 << 20
        let file = try TemporaryFile(length: UInt64(total))
        let server = try ScriptedServer(bodyBytesKept: 0) { request, connection in
            try connection.respond(text: "\(request.bodyCount)")
        }
        let progress = ProgressLog()
        let before = try peakMemoryKilobytes()
        try await withEngine { engine in
            let response = try await engine.upload(
                HTTPRequest(method: "PUT", url: server.url()),
                body: UploadBody([.file(path: file.path, offset: 0, length: total)]),
                progress: { progress.add($0) })
            #expect(response.body == Array("\(total)".utf8))
        }
        #expect(progress.isRising)
        #expect(progress.last == total)
        // Other tests run at the same time, and a sanitizer keeps freed memory for a while; still this is far below
        // the size of the file.
        #expect(try peakMemoryKilobytes() - before < 400 << 10)
    }

    @Test func `an upload is sent again from its start when a redirect asks for it`() async throws {
        let bytes = noise(200_000)
        let file = try TemporaryFile(bytes)
        let server = try ScriptedServer { request, connection in
            if request.target == "/end" { return try connection.respond(body: request.body) }
            try connection.respond(307, headers: [("Location", "/end")])
        }
        try await withEngine { engine in
            let response = try await engine.upload(
                HTTPRequest(method: "PUT", url: server.url("/start"), followsRedirects: true),
                body: UploadBody([.file(path: file.path, offset: 0, length: Int64(bytes.count))]))
            #expect(response.body == bytes)
        }
    }

    @Test func `a file that is missing or too short is named`() async throws {
        let file = try TemporaryFile([1, 2, 3])
        let server = try ScriptedServer { _, connection in try connection.respond() }
        try await withEngine { engine in
            for path in [file.path, file.path + "-missing"] {
                let error = try await failure { () async throws(CurlError) in
                    try await engine.upload(
                        HTTPRequest(method: "PUT", url: server.url()),
                        body: UploadBody([.file(path: path, offset: 0, length: 10)]))
                }
                #expect(error.code == .bodyUnreadable)
                #expect(error.message.contains(path))
                #expect(!error.isRetryable)
            }
            #expect(try await engine.perform(HTTPRequest(url: server.url())).status == 200)
        }
    }

    @Test func `an answer that comes before the whole body was sent is heard`() async throws {
        let server = try ScriptedServer(raw: { connection in
            _ = try connection.receive()
            try connection.respond(413, headers: [("Connection", "close")], text: "too much")
            connection.closeWriting()
            _ = connection.waitForClose()
        })
        let file = try TemporaryFile(length: 100 << 20)
        try await withEngine { engine in
            let response = try await engine.upload(
                HTTPRequest(method: "PUT", url: server.url()),
                body: UploadBody([.file(path: file.path, offset: 0, length: 100 << 20)]))
            #expect(response.status == 413)
            #expect(response.body == Array("too much".utf8))
        }
    }
}

/// Highest resident memory of this process so far, in KiB.
private func peakMemoryKilobytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
}

/// Bytes a server has sent.
private final class SentBytes: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }

    func add(_ more: Int) { count.add(more, ordering: .relaxed) }
}

/// Progress reports of an upload.
private final class ProgressLog: Sendable {
    private let reports = Mutex<[Int64]>([])

    var last: Int64? { reports.withLock(\.last) }

    var isRising: Bool { reports.withLock { reports in zip(reports, reports.dropFirst()).allSatisfy { $0 < $1 } } }

    func add(_ count: Int64) { reports.withLock { $0.append(count) } }
}
