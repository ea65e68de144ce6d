// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Synchronization
import Testing

@testable import BatchClient

struct UploadTests {
    @Test func `a file goes out as a form of known length, byte for byte`() async throws {
        let directory = try TemporaryDirectory()
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let path = directory.file("we\"ird\\名.jsonl", content)
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(text: fileJSON(bytes: 3_000_000))
        }
        let reported = Mutex<Int64>(0)
        let answer = try await fixture.client.uploadFile(try LocalFile(path: path)) { done in
            reported.withLock { $0 = max($0, done) }
        }
        #expect(answer.value.id == "file-1")
        let request = try #require(fixture.requests.all.first)
        let type = try #require(request.header("Content-Type"))
        let boundary = try #require(type.split(separator: "=").last)
        #expect(request.header("Content-Length") == String(request.bodyCount))
        #expect(request.header("Transfer-Encoding") == nil)
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
            + "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"we\\\"ird\\\\名.jsonl\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n"
        let expected = Array(head.utf8) + content + Array("\r\n--\(boundary)--\r\n".utf8)
        #expect(request.body == expected)
        #expect(reported.withLock { $0 } == Int64(expected.count))
    }

    @Test func `line ends in a name cannot forge headers`() {
        #expect(MultipartForm.quoted("a\r\nb") == "a%0D%0Ab")
    }

    @Test func `an upload the server turned away for the moment is sent again`() async throws {
        let directory = try TemporaryDirectory()
        let file = try LocalFile(path: directory.file("a", Array("{}\n".utf8)))
        let fixture = try ClientFixture { number, _, connection in
            if number == 1 {
                try connection.respond(503, headers: [("Retry-After", "3")], text: errorJSON("busy"))
            } else {
                try connection.respond(text: fileJSON())
            }
        }
        _ = try await fixture.client.uploadFile(file)
        #expect(fixture.waits.all == [.seconds(3)])
        #expect(fixture.requests.all.map(\.bodyCount).first == fixture.requests.all.map(\.bodyCount).last)
    }

    @Test func `an upload that may have been stored is not sent again`() async throws {
        let directory = try TemporaryDirectory()
        let file = try LocalFile(path: directory.file("a", Array("{}\n".utf8)))
        for answers in [true, false] {
            let fixture = try ClientFixture { _, _, connection in
                if answers { try connection.respond(500, text: errorJSON("oops")) } else { connection.reset() }
            }
            await #expect(throws: ClientError.self) { try await fixture.client.uploadFile(file) }
            #expect(fixture.requests.all.count == 1)
            #expect(fixture.waits.all.isEmpty)
        }
    }

    @Test func `what cannot be uploaded is told before a connection is made`() throws {
        let directory = try TemporaryDirectory()
        let empty = directory.file("empty", [])
        let cases = [
            (directory.path("none"), "cannot read \(directory.path("none")): No such file or directory"),
            (directory.path, "\(directory.path) is a directory: name a file in it"),
            (empty, "\(empty) is empty: there is nothing to send"),
            ("/dev/null", "/dev/null is not a regular file: save its content to one first, the size must be known"),
        ]
        for (path, message) in cases {
            #expect(throws: ClientError.localFile(message)) { try LocalFile(path: path) }
        }
    }
}
