// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

/// Uploads as the SDKs of other languages send them, byte for byte; each one must give the same file.
@Suite(.serialized) struct UploadShapeTests {
    private struct File: Decodable, Equatable {
        let filename: String
        let bytes: Int
        let purpose: String
        let status: String
    }

    private static let mark = "X-BOUNDARY-'()+_,-./:=?"

    private static func field(_ name: String, _ value: String) -> [UInt8] {
        Array("--\(mark)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
    }

    private static func file(_ bytes: [UInt8], name: String, type: String?) -> [UInt8] {
        let kind = type.map { "Content-Type: \($0)\r\n" } ?? ""
        let disposition = "Content-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n"
        return Array("--\(mark)\r\n\(disposition)\(kind)\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    private static let end = Array("--\(mark)--\r\n".utf8)

    /// Bytes in the transfer coding `chunked`, cut into uneven pieces.
    private static func chunked(_ bytes: [UInt8]) -> [UInt8] {
        var coded: [UInt8] = []
        var rest = bytes[...]
        var size = 1
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            coded += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
            rest = rest.dropFirst(size)
            size = size * 3 % 1_021 + 1
        }
        return coded + Array("0\r\n\r\n".utf8)
    }

    private func upload(
        _ body: [UInt8], to server: ServerAddress, isChunked: Bool = false, headers: [String: String] = [:]
    ) async throws -> File {
        var headers = headers
        headers["Content-Type"] = "multipart/form-data; boundary=\"\(Self.mark)\""
        // An empty value leaves the header out.
        if isChunked { headers.merge(["Transfer-Encoding": "chunked", "Content-Length": ""]) { $1 } }
        let bytes = isChunked ? Self.chunked(body) : body
        return try await server.send("POST", "/v1/files", headers: headers, body: bytes).decode(File.self)
    }

    @Test func `every SDK's way to send the parts makes the same file`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            let input = BatchFile(lines: 40).bytes
            func expected(_ name: String) -> File {
                File(filename: name, bytes: input.count, purpose: "batch", status: "processed")
            }
            // Node: the file first, no length, chunked.
            let node =
                Self.file(input, name: "in.jsonl", type: "application/octet-stream") + Self.field("purpose", "batch")
            #expect(try await upload(node + Self.end, to: server, isChunked: true) == expected("in.jsonl"))
            // Go: fields by name, a raw UTF-8 name with escapes.
            let go =
                Self.field("expires_after[anchor]", "created_at") + Self.field("expires_after[seconds]", "3600")
                + Self.file(input, name: #"übung \"1\" \\ 你好.jsonl"#, type: "application/octet-stream")
                + Self.field("purpose", "batch")
            #expect(try await upload(go + Self.end, to: server) == expected(#"übung "1" \ 你好.jsonl"#))
            // Python: the file last.
            let python = Self.field("purpose", "batch") + Self.file(input, name: "p.jsonl", type: nil)
            #expect(try await upload(python + Self.end, to: server) == expected("p.jsonl"))
            // curl: asks before it sends much.
            let asking = ["Expect": "100-continue"]
            #expect(try await upload(python + Self.end, to: server, headers: asking) == expected("p.jsonl"))
        }
    }

    @Test func `a file that holds what looks like boundaries arrives unchanged`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            let tricky = Array("\r\n--\(Self.mark.dropLast())\r\n--\(Self.mark)\r--\n\r\n--X\r\n\r\n".utf8)
            for isChunked in [true, false] {
                let body = Self.field("purpose", "batch") + Self.file(tricky, name: "t", type: nil) + Self.end
                #expect(try await upload(body, to: server, isChunked: isChunked).bytes == tricky.count)
            }
            struct List: Decodable {
                struct Entry: Decodable { let id: String }
                let data: [Entry]
            }
            let list = try await server.get("/v1/files").decode(List.self)
            #expect(list.data.count == 2)
            for entry in list.data { #expect(try await server.content(entry.id) == tricky) }
        }
    }

    @Test func `content can be read in part and asked for without reading`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            let input = BatchFile(lines: 40).bytes
            let path = "/v1/files/\(try await server.uploadBatchFile(input))/content"
            let head = try await server.send("HEAD", path)
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.headers["content-length"] == String(input.count))
            #expect(head.headers["accept-ranges"] == "bytes")
            let tag = try #require(head.headers["etag"])
            let part = try await server.send("GET", path, headers: ["Range": "bytes=100-199", "If-Range": tag])
            #expect(part.status == 206 && part.body == Array(input[100...199]))
            #expect(part.headers["content-range"] == "bytes 100-199/\(input.count)")
            let tail = try await server.send("GET", path, headers: ["Range": "bytes=-7"])
            #expect(tail.status == 206 && tail.body == input.suffix(7))
            let beyond = try await server.send("GET", path, headers: ["Range": "bytes=\(input.count)-"])
            #expect(beyond.status == 416 && beyond.headers["content-range"] == "bytes */\(input.count)")
            let accepting = try await server.send("GET", path, headers: ["Accept": "application/binary"])
            #expect(accepting.status == 200 && accepting.body == input)
        }
    }
}
