// SPDX-License-Identifier: Apache-2.0
import BatchCore
import HTTPTesting
import Synchronization
import Testing

@testable import BatchClient

/// Keeps what is written.
private final class MemorySink: DownloadSink {
    private let bytes = Mutex<[UInt8]>([])

    var position: Int64 { bytes.withLock { Int64($0.count) } }
    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    func write(_ bytes: [UInt8]) { self.bytes.withLock { $0 += bytes } }

    func rewind() -> Bool {
        bytes.withLock { $0 = [] }
        return true
    }
}

struct MergeTests {
    private func input(_ ids: [String]) -> String {
        ids.map { #"{"method":"POST","custom_id":"\#($0)","url":"/v1/x","body":{"custom_id":"no"}}"# + "\n" }.joined()
    }

    private func results(_ ids: [String], _ what: String) -> String {
        ids.map { #"{"id":"batch_req_\#($0)","custom_id":"\#($0)","response":"\#(what)"}"# + "\n" }.joined()
    }

    /// A server of these files, which serves ranges.
    private func serve(_ files: [String: String]) throws -> ClientFixture {
        try ClientFixture { _, request, connection in
            let id = String(request.target.split(separator: "/")[2])
            guard let content = files[id].map({ Array($0.utf8) }), let range = request.header("Range") else {
                return try connection.respond(404, text: errorJSON("no \(request.target)"))
            }
            let ends = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
            let part = Array(content[ends[0]...min(ends[1], content.count - 1)])
            let span = "bytes \(ends[0])-\(ends[0] + part.count - 1)/\(content.count)"
            try connection.respond(206, headers: [("Content-Range", span)], body: part)
        }
    }

    private func file(_ id: String, _ files: [String: String]) -> WireFile {
        WireFile(
            id: id, bytes: Int64(files[id]?.utf8.count ?? 0), createdAt: 0, filename: "f", purpose: "batch_output")
    }

    /// Merges `outputs` and `errors` in the order of `in`.
    private func merge(
        _ files: [String: String], outputs: [String], errors: [String], pieceBytes: Int
    ) async throws -> (text: String, tally: ResultMerge.Tally) {
        let fixture = try serve(files)
        var merge = ResultMerge(
            input: file("in", files),
            sources: outputs.map { ResultMerge.Source(file($0, files), isOutput: true) }
                + errors.map { ResultMerge.Source(file($0, files), isOutput: false) })
        merge.pieceBytes = pieceBytes
        let sink = MemorySink()
        let last = Mutex<Int64>(0)
        let tally = try await merge.run(fixture.client, to: sink) { done in last.withLock { $0 = done } }
        #expect(last.withLock { $0 } == merge.bytes)
        return (sink.text, tally)
    }

    @Test(arguments: [64, 1_000, 1 << 20])
    func `a chain of retries gives every line once, in the order of the input`(pieceBytes: Int) async throws {
        let ids = (0..<200).map { "é-\($0)" }
        let first = ids.indices.filter { $0 % 2 == 0 }.map { ids[$0] }
        let second = ids.indices.filter { $0 % 2 == 1 && $0 % 3 != 0 }.map { ids[$0] }
        let third = ids.indices.filter { $0 % 2 == 1 && $0 % 3 == 0 && $0 % 5 != 0 }.map { ids[$0] }
        let rest = ids.indices.filter { $0 % 2 == 1 && $0 % 3 == 0 && $0 % 5 == 0 }.map { ids[$0] }
        let files = [
            "in": "\u{FEFF}" + input(ids).replacing("\n", with: "\r\n \t\r\n"), "o1": results(first, "1"),
            "o2": results(second, "2"), "o3": results(third, "3"), "e3": results(rest, "e"),
        ]
        let merged = try await merge(files, outputs: ["o3", "o2", "o1"], errors: ["e3"], pieceBytes: pieceBytes)
        let expected = ids.map { id in
            results([id], first.contains(id) ? "1" : second.contains(id) ? "2" : third.contains(id) ? "3" : "e")
        }
        #expect(merged.text == expected.joined())
        #expect(merged.tally.succeeded == Int64(200 - rest.count) && merged.tally.failed == Int64(rest.count))
    }

    @Test func `equal ids in other spelling are other lines`() async throws {
        let files = ["in": input([#"a\u0062"#, "ab"]), "o": results(["ab"], "1"), "e": results([#"a\u0062"#], "2")]
        let merged = try await merge(files, outputs: ["o"], errors: ["e"], pieceBytes: 1_000)
        #expect(merged.text == results([#"a\u0062"#], "2") + results(["ab"], "1"))
    }

    @Test func `a line without a result, and a result without a line, end the merge with their id`() async throws {
        let cases = [
            (["in": input(["a", "b"]), "o": results(["a"], "1")], #""b""#),
            (["in": input(["a"]), "o": results(["a", "c"], "1")], #""c""#),
            (["in": input(["a", "b"]), "o": results(["b", "a"], "1")], #""a""#),
            (["in": input(["a"]) + "{}\n", "o": results(["a"], "1")], "line 2 has no custom_id"),
        ]
        for (files, named) in cases {
            let error = await #expect(throws: ClientError.self) {
                try await merge(files, outputs: ["o"], errors: [], pieceBytes: 1_000)
            }
            #expect(error?.message.contains(named) == true, "\(String(describing: error))")
        }
    }

    @Test func `a server that ignores ranges is told as such`() async throws {
        let content = results(["a"], String(repeating: "x", count: 500))
        let fixture = try ClientFixture { _, _, connection in try connection.respond(text: content) }
        let whole = WireFile(
            id: "f", bytes: Int64(content.utf8.count), createdAt: 0, filename: "f", purpose: "batch_output")
        #expect(try await fixture.client.piece(of: whole, from: 0, count: 1_000) == Array(content.utf8))
        let error = await #expect(throws: ClientError.self) {
            try await fixture.client.piece(of: whole, from: 0, count: 100)
        }
        guard case .unintelligible = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
