// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchFiles
import Curl
import Foundation
import HTTPTesting
import StorageTesting
import Synchronization
import Testing

/// Answers that no store gives on demand, from a scripted one.
@Suite struct AnswerTests {
    private static func error(_ code: String, _ message: String, more: String = "") -> String {
        "<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)</Error>"
    }

    private func withScript(
        _ script: @escaping ScriptedServer.Script, _ body: (S3Client, ScriptedServer) async throws -> Void
    ) async throws {
        let server = try ScriptedServer(script)
        defer { server.stop() }
        try await withEngine { engine in
            let configuration = try storeConfiguration(port: server.port, bucket: "bucket")
            try await body(S3Client(configuration, engine: engine), server)
        }
    }

    @Test(arguments: [(503, "SlowDown"), (500, "InternalError"), (400, "RequestTimeout"), (429, ""), (502, "")])
    func `what passes is asked again until it has passed`(status: Int, code: String) async throws {
        let count = Mutex(0)
        try await withScript { _, connection in
            if count.withLock({
                $0 += 1; return $0
            }) < 4 {
                let body = code.isEmpty ? "<html>busy" : Self.error(code, "later")
                try connection.respond(status, headers: [("Retry-After", "0")], text: body)
            } else {
                try connection.respond(200)
            }
        } _: { client, server in
            try await client.put("key", SharedBytes([1, 2, 3]))
            #expect(server.requestCount == 4)
        }
    }

    @Test func `what does not pass is an error with the store's words after so many tries`() async throws {
        try await withScript { _, connection in
            try connection.respond(
                503, headers: [("x-amz-request-id", "R42")], text: Self.error("SlowDown", "Reduce &amp; wait"))
        } _: { client, server in
            await #expect {
                try await client.put("a/b", SharedBytes([1]))
            } throws: {
                "\($0)" == "cannot write s3://bucket/a/b: SlowDown (503): Reduce & wait [request R42]"
            }
            #expect(server.requestCount == 4)
        }
    }

    @Test func `a refusal for good is not repeated, and tells the region that is right`() async throws {
        try await withScript { _, connection in
            try connection.respond(
                400,
                text: Self.error(
                    "AuthorizationHeaderMalformed", "the region 'x' is wrong", more: "<Region>eu-west-1</Region>"))
        } _: { client, server in
            await #expect {
                try await client.put("key", SharedBytes([1]))
            } throws: {
                "\($0)".contains("(the store expects the region eu-west-1); the region is most likely wrong")
            }
            #expect(server.requestCount == 1)
        }
    }

    @Test func `a body that arrived changed is an error`() async throws {
        try await withScript { _, connection in
            try connection.respond(200, headers: [("ETag", "\"00000000000000000000000000000000\"")])
        } _: { client, _ in
            await #expect {
                try await client.put("key", SharedBytes([1]))
            } throws: { "\($0)".contains("the store has other bytes") }
        }
    }

    @Test func `a tag that is no hash of the bytes proves nothing`() async throws {
        try await withScript { _, connection in
            try connection.respond(
                200,
                headers: [
                    ("ETag", "\"00000000000000000000000000000000\""), ("x-amz-server-side-encryption", "aws:kms"),
                ])
        } _: { client, _ in
            let tag = try await client.put("key", SharedBytes([1]))
            #expect(tag == "00000000000000000000000000000000")
        }
    }

    @Test func `an object of another size than was sent is not called written`() async throws {
        let deleted = TestSignal("the object is removed")
        try await withScript { request, connection in
            switch request.method {
            case "HEAD": try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            case "DELETE":
                deleted.fire()
                try connection.respond(204)
            default: try connection.respond(200)
            }
        } _: { client, _ in
            let writer = S3ObjectWriter(client, key: "key")
            try [1, 2, 3 as UInt8].withUnsafeBytes { try writer.append($0) }
            await #expect {
                try await writer.finish()
            } throws: { "\($0)".contains("the store has 2 bytes of the 3 that were sent") }
            await writer.abandon()
            try await deleted.wait()
        }
    }

    @Test func `a failure inside a successful answer to the completion is a failure`() async throws {
        try await withScript { request, connection in
            if request.method == "HEAD" { return try connection.respond(404) }
            try connection.respond(200, text: "\n\n  " + Self.error("InternalError", "try again"))
        } _: { client, server in
            await #expect {
                try await client.completeUpload("key", upload: "u", [S3Part(number: 1, bytes: 1, entityTag: "x")])
            } throws: { ($0 as? S3Error)?.code == "InternalError" }
            // Tried again, since the code says that it may help; each try looks whether the object is there.
            #expect(server.requestCount >= 4)
        }
    }

    @Test func `an answer of something that is no store is called that`() async throws {
        try await withScript { _, connection in
            try connection.respond(200, text: "<!DOCTYPE html><html><body>Welcome</body></html>")
        } _: { client, _ in
            await #expect {
                _ = try await client.createUpload("key")
            } throws: { "\($0)".contains("the answer is no XML of a store") }
            await #expect {
                try await client.forEachObject(prefix: "") { _ in }
            } throws: { "\($0)".contains("the answer is no XML of a store") }
        }
    }

    @Test func `a server that ignores or changes the range is found out`() async throws {
        let count = Mutex(0)
        try await withScript { _, connection in
            switch count.withLock({
                $0 += 1; return $0
            }) {
            case 1: try connection.respond(200, text: "0123456789")
            case 2:
                try connection.respond(206, headers: [("Content-Range", "bytes 0-4/10")], text: "01234")
            default: try connection.respond(206, headers: [("Content-Range", "bytes 5-9/*")], text: "56789")
            }
        } _: { client, _ in
            for _ in 0..<3 {
                await #expect {
                    _ = try await client.get("key", range: 5..<10)
                } throws: {
                    guard case .damaged? = ($0 as? S3Error)?.reason else { return false }
                    return true
                }
            }
        }
    }

    @Test func `a body shorter than announced is no object, unless the rest can be fetched`() async throws {
        let hasTag = Mutex(false)
        try await withScript { request, connection in
            let tag = hasTag.withLock { $0 } ? "ETag: \"t\"\r\n" : ""
            guard request.headers.contains(where: { $0.name == "If-Match" && $0.value == "\"t\"" }) else {
                try connection.send("HTTP/1.1 200 OK\r\n\(tag)Content-Length: 10\r\n\r\n01234")
                return connection.close()
            }
            try connection.respond(
                206, headers: [("Content-Range", "bytes 5-9/10"), ("ETag", "\"t\"")], text: "56789")
        } _: { client, _ in
            let short = try await client.get("key")
            _ = try await short.next()
            await #expect(throws: S3Error.self) { try await short.next() }
            hasTag.withLock { $0 = true }
            let whole = try await client.get("key")
            var text: [UInt8] = []
            while let piece = try await whole.next() { text += piece }
            #expect(String(decoding: text, as: UTF8.self) == "0123456789")
        }
    }

    @Test func `memory for a fast writer is bounded by the parts on their way`() async throws {
        let acknowledged = Mutex<Int64>(0)
        let excess = Mutex<Int64>(0)
        let watched = Mutex<S3ObjectWriter?>(nil)
        try await withScript { request, connection in
            if request.method == "PUT" {
                let taken = watched.withLock { $0?.count ?? 0 }
                let open = taken - acknowledged.withLock { $0 }
                excess.withLock { $0 = max($0, open) }
                acknowledged.withLock { $0 += Int64(request.bodyCount) }
                try connection.respond(200, headers: [("ETag", "\"part\"")])
            } else if request.method == "HEAD" {
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n\r\n")
            } else if request.target.contains("uploads") {
                try connection.respond(
                    200, text: "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
            } else {
                try connection.respond(200, text: "<CompleteMultipartUploadResult/>")
            }
        } _: { client, _ in
            let writer = S3ObjectWriter(client, key: "key")
            watched.withLock { $0 = writer }
            // A thread of its own, as the finalizer has: it waits inside append.
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                let thread = Thread {
                    let piece = [UInt8](repeating: 1, count: 65_536)
                    done.resume(
                        with: Result { for _ in 0..<80 { try piece.withUnsafeBytes { try writer.append($0) } } })
                }
                thread.start()
            }
            try await writer.finish()
            watched.withLock { $0 = nil }
            #expect(acknowledged.withLock { $0 } == 80 * 65_536)
            // Two on their way, one waiting, one being filled; and one whose answer has not been read yet.
            #expect(excess.withLock { $0 } <= 5 * 262_144)
        }
    }

    @Test func `waiting for the next try ends when the task is cancelled`() async throws {
        let asked = TestSignal("a request came")
        let server = try ScriptedServer { _, connection in
            asked.fire()
            try connection.respond(503)
        }
        try await withEngine { engine in
            var configuration = try storeConfiguration(port: server.port, bucket: "bucket")
            configuration.retries = RetryRule(attemptsMax: 9, pauseFirst: .seconds(3_600), pauseMax: .seconds(3_600))
            let client = S3Client(configuration, engine: engine)
            let reading = Task { try await client.head("key") }
            try await asked.wait()
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
        }
    }
}
