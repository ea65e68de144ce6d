// SPDX-License-Identifier: Apache-2.0
import Curl
import HTTPTesting
import Testing

@testable import BatchClient

struct DownloadTests {
    private static let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    /// Sends the head of an answer with `length` announced bytes, then `bytes`.
    private static func begin(
        _ connection: ScriptedConnection, _ status: Int, length: Int, headers: [(String, String)] = [],
        bytes: ArraySlice<UInt8>
    ) throws {
        let fields = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        try connection.send("HTTP/1.1 \(status) X\r\n\(fields)Content-Length: \(length)\r\n\r\n")
        try connection.send(Array(bytes))
    }

    /// Serves ``content`` with ranges, as RFC 9110 has it.
    private static func serve(_ request: ScriptedRequest, _ connection: ScriptedConnection, tag: String) throws {
        let headers = [("ETag", tag)]
        guard let range = request.header("Range"), let first = Int(range.dropFirst("bytes=".count).dropLast()),
            request.header("If-Range") == nil || request.header("If-Range") == tag
        else {
            try connection.respond(headers: headers, body: content)
            return
        }
        guard first < content.count else {
            try connection.respond(416, headers: [("Content-Range", "bytes */\(content.count)")])
            return
        }
        let span = "bytes \(first)-\(content.count - 1)/\(content.count)"
        try connection.respond(206, headers: headers + [("Content-Range", span)], body: Array(content[first...]))
    }

    @Test func `a file is there under its name only when it is whole`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try ClientFixture { _, request, connection in
            try Self.serve(request, connection, tag: "\"t\"")
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
        #expect(directory.names == ["out.file-1.part"])
        try await part.finish()
        #expect(directory.names == ["out"])
        #expect(directory.content("out") == Self.content)
        #expect(fixture.requests.lines == ["GET /v1/files/file-1/content"])
        #expect(fixture.requests.all[0].header("Range") == nil)
    }

    @Test func `a connection that broke is taken up where it stopped, if the file is the same`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try ClientFixture { number, request, connection in
            if number == 1 {
                try Self.begin(
                    connection, 200, length: 1_000_000, headers: [("ETag", "\"t\"")], bytes: Self.content[..<400_000])
                connection.close()
            } else {
                try Self.serve(request, connection, tag: "\"t\"")
            }
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
        try await part.finish()
        #expect(directory.content("out") == Self.content)
        #expect(fixture.requests.all.count == 2)
        #expect(fixture.requests.all[1].header("Range") == "bytes=400000-")
        #expect(fixture.requests.all[1].header("If-Range") == "\"t\"")
    }

    @Test func `what an earlier run left behind is used`() async throws {
        let directory = try TemporaryDirectory()
        _ = directory.file("out.file-1.part", Array(Self.content[..<999_000]))
        let fixture = try ClientFixture { _, request, connection in
            try Self.serve(request, connection, tag: "\"t\"")
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
        try await part.finish()
        #expect(directory.content("out") == Self.content)
        #expect(fixture.requests.all.map { $0.header("Range") } == ["bytes=999000-"])
    }

    @Test func `a left part that is whole needs no download, one that is too long begins anew`() async throws {
        let directory = try TemporaryDirectory()
        _ = directory.file("a.file-1.part", Self.content)
        _ = directory.file("b.file-1.part", Self.content + [1])
        let fixture = try ClientFixture { _, request, connection in
            try Self.serve(request, connection, tag: "\"t\"")
        }
        for name in ["a", "b"] {
            let part = try PartFile(destination: directory.path(name), fileID: "file-1")
            try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
            try await part.finish()
            #expect(directory.content(name) == Self.content)
        }
        #expect(fixture.requests.all.count == 1)
    }

    @Test func `a server without ranges sends everything again`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try ClientFixture { number, _, connection in
            if number == 1 {
                try Self.begin(connection, 200, length: 1_000_000, bytes: Self.content[..<400_000])
                connection.close()
            } else {
                try connection.respond(body: Self.content)
            }
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
        #expect(await part.position == 1_000_000)
        try await part.finish()
        #expect(directory.content("out") == Self.content)
    }

    @Test func `an answer of another size than the file's is not accepted`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try ClientFixture(patience: Patience(attemptsMax: 2)) { _, _, connection in
            try connection.respond(body: Array(Self.content[..<500]))
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        let error = await #expect(throws: ClientError.self) {
            try await fixture.client.downloadFile("file-1", bytes: 1_000_000, to: part)
        }
        #expect(error?.message.contains("got 500 of 1000000 bytes") == true)
        #expect(directory.names == ["out.file-1.part"])
    }

    @Test func `a file that is gone is refused at once`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try ClientFixture { _, _, connection in
            try connection.respond(404, text: errorJSON("No such File object: file-1"))
        }
        let part = try PartFile(destination: directory.path("out"), fileID: "file-1")
        let error = await #expect(throws: ClientError.self) {
            try await fixture.client.downloadFile("file-1", to: part)
        }
        #expect(error?.message == "download file file-1: No such File object: file-1 (HTTP 404)")
        #expect(fixture.requests.all.count == 1)
    }

    @Test func `two downloads to one place keep apart`() throws {
        let directory = try TemporaryDirectory()
        let first = try PartFile(destination: directory.path("out"), fileID: "file-1")
        #expect(throws: ClientError.self) { try PartFile(destination: directory.path("out"), fileID: "file-1") }
        _ = first.partPath
    }

    @Test func `a hostile file id cannot name another directory`() throws {
        let directory = try TemporaryDirectory()
        let part = try PartFile(destination: directory.path("out"), fileID: "../../x y")
        #expect(part.partPath == directory.path("out.______x_y.part"))
    }
}

struct FileDownloadTests {
    @Test func `answers are judged by status, range and tag`() {
        var download = FileDownload(id: "f", total: 100)
        #expect(download.plan(206, ["Content-Range": "bytes 40-99/100"], position: 40) == .take(skip: 0))
        #expect(download.plan(206, ["Content-Range": "bytes 30-99/100"], position: 40) == .startOver)
        #expect(download.plan(206, ["Content-Range": "bytes 40-119/120"], position: 40) == .startOver)
        #expect(download.plan(206, [:], position: 40) == .startOver)
        #expect(download.plan(416, ["Content-Range": "bytes */100"], position: 100) == .isWhole)
        #expect(download.plan(416, ["Content-Range": "bytes */90"], position: 100) == .startOver)
        #expect(download.plan(416, [:], position: 0) == .refuse)
        #expect(download.plan(404, [:], position: 0) == .refuse)
        #expect(download.plan(200, ["ETag": "\"a\""], position: 0) == .take(skip: 0))
        #expect(download.plan(200, ["ETag": "\"a\""], position: 40) == .take(skip: 40))
        #expect(download.plan(200, ["ETag": "\"b\""], position: 40) == .startOver)
        #expect(download.plan(200, ["ETag": "W/\"b\""], position: 40) == .startOver)
    }

    @Test func `ranges are read strictly`() {
        #expect(ContentRange("bytes 0-9/*")?.sent == 0...9)
        #expect(ContentRange("bytes */12")?.total == 12)
        for text in ["", "bytes", "items 0-9/10", "bytes 9-0/10", "bytes a-b/c", "bytes 0-9", "bytes -1-2/3"] {
            #expect(ContentRange(text) == nil)
        }
    }
}
