// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTesting
import PostgresTesting
import ServerTesting
import Synchronization
import Testing

extension EndToEndTests {
    /// Batches whose lines name different endpoints, with files and streams among them.
    @Suite struct MixedBatchTests {
        private static let sound = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

        /// Serves files: a sound, and nothing else.
        private func files() throws -> ScriptedServer {
            try ScriptedServer { request, connection in
                guard request.target == "/talk.wav" else { return try connection.respond(404, text: "none") }
                try connection.respond(headers: [("Content-Type", "audio/wav")], body: Self.sound)
            }
        }

        /// Answers each path with its name and how long the request was; keeps what came.
        private func backend(_ seen: Seen) throws -> ScriptedServer {
            try ScriptedServer { request, connection in
                seen.requests.withLock { $0.append(request) }
                let hasSound = request.body.firstRange(of: Self.sound) != nil
                try connection.respond(
                    text: #"{"path":"\#(request.target)","n":1e-7,"sound":\#(hasSound),"usage":{"total_tokens":2}}"#)
            }
        }

        private final class Seen: Sendable {
            let requests = Mutex<[ScriptedRequest]>([])
        }

        private func line(_ id: Int, _ url: String, _ body: String) -> String {
            #"{"custom_id": "request-\#(id)", "method": "POST", "url": "\#(url)", "body": \#(body)}"# + "\n"
        }

        /// `count` rounds of one line each for seven endpoints of five models; the last one's file is not there.
        private func mixed(_ count: Int, files: String) -> String {
            let score = #"""
                {"model": "BAAI/bge-reranker-v2-m3", "text_1": "What is the capital of France?", "text_2": ["B.", "P."]}
                """#
            var text = ""
            for round in 0..<count {
                let id = round * 7
                text += line(
                    id, "/v1/chat/completions", #"{"model":"chat","messages":[{"role":"user","content":"é"}]}"#)
                text += line(id + 1, "/v1/embeddings", #"{"model":"embed","input":["a","b"]}"#)
                text += line(id + 2, "/v1/score", score)
                text += line(id + 3, "/rerank", #"{"model":"rank","query":"q","documents":["d"]}"#)
                text += line(
                    id + 4, "/v1/audio/transcriptions", #"{"model":"ear","file_url":"\#(files)/talk.wav","n":0.50}"#)
                text += line(
                    id + 5, "/v1/audio/translations", #"{"model":"ear","file_url":"data:audio/wav;base64,AAEC"}"#)
                text += line(id + 6, "/v1/audio/transcriptions", #"{"model":"ear","file_url":"\#(files)/gone.wav"}"#)
            }
            return text
        }

        @Test func `a file with seven endpoints and five models runs in one batch, in order`() async throws {
            try await withScratch { scratch in
                let (seen, files) = (Seen(), try files())
                let backend = try backend(seen)
                let server = try await Standalone.start(
                    in: scratch, arguments: ["--backend", backend.url("/v1"), "--set", "outbound.allow=127.0.0.1"]
                ).server
                let input = mixed(40, files: files.url(""))
                let path = try scratch.write(input, to: "mixed.jsonl")
                let output = scratch.path("out.jsonl")
                let run = try await Batchctl.run(
                    ["submit", path, "--wait", "--output", output], server: server, in: scratch)
                #expect(run.errors.contains("several paths"), "\(run.errors)")
                let id = try #require(run.output.split(separator: "\n").first.map(String.init))
                let batch = try await server.batch(id)
                #expect(batch.request_counts == .init(total: 280, completed: 240, failed: 40), "\(run.errors)")
                #expect(batch.usage?.total_tokens == 480)
                let shown = try await server.get("/v1/batches/\(id)").text
                #expect(shown.contains(#""endpoint":"*""#) && shown.contains(#""model":null"#))
                let check = try await ResultCheck.run(batch, input: Array(input.utf8), from: server, in: scratch)
                #expect(check.completed == 240 && check.failed == 40)
                let results = try await server.content(try #require(batch.output_file_id))
                for (number, line) in String(decoding: results, as: UTF8.self).split(separator: "\n").enumerated() {
                    let url = [
                        "/v1/chat/completions", "/v1/embeddings", "/v1/score", "/rerank", "/v1/audio/transcriptions",
                        "/v1/audio/translations",
                    ][number % 6]
                    #expect(line.contains(#""path":"\#(url)","n":1e-7,"sound":\#(number % 6 == 4)"#), "\(line)")
                }
                let errors = String(
                    decoding: try await server.content(try #require(batch.error_file_id)), as: UTF8.self)
                #expect(errors.split(separator: "\n").allSatisfy { $0.contains("file_url_unreachable") })
                let forms = seen.requests.withLock { $0 }.filter { $0.target.contains("/audio/") }
                #expect(forms.count == 80)
                #expect(forms.allSatisfy { $0.header("Content-Type")?.hasPrefix("multipart/form-data") == true })
            }
        }

        @Test func `files at addresses that are not allowed are not fetched`() async throws {
            try await withScratch { scratch in
                let (seen, files) = (Seen(), try files())
                let backend = try backend(seen)
                let server = try await Standalone.start(in: scratch, arguments: ["--backend", backend.url("/v1")])
                    .server
                let input = line(
                    1, "/v1/audio/transcriptions", #"{"model":"ear","file_url":"\#(files.url("/talk.wav"))"}"#)
                let id = try await server.submit(Array(input.utf8), endpoint: "/v1/audio/transcriptions").id
                let batch = try await server.end(of: id)
                let errors = try await server.content(try #require(batch.error_file_id))
                #expect(String(decoding: errors, as: UTF8.self).contains("file_url_not_allowed"))
                #expect(files.connectionCount == 0 && seen.requests.withLock { $0.isEmpty })
            }
        }

        @Test func `a file server that hangs holds up its own lines only, and few of those fetch at once`() async throws
        {
            try await withScratch { scratch in
                let (seen, gate) = (Seen(), TestSignal("file server goes on"))
                let files = try ScriptedServer { _, connection in
                    try gate.waitOnThread()
                    try connection.respond(body: Self.sound)
                }
                let backend = try backend(seen)
                let server = try await Standalone.start(
                    in: scratch,
                    arguments: [
                        "--backend", backend.url("/v1"), "--concurrency", "8", "--set", "outbound.allow=127.0.0.1",
                        "--set", "audio.file_bytes_max=200000", "--set", "audio.held_bytes_max=400000",
                    ]
                ).server
                let speech = (0..<30).map {
                    line($0, "/v1/audio/transcriptions", #"{"model":"m","file_url":"\#(files.url("/a.wav"))"}"#)
                }
                let rest = (30..<80).map { line($0, "/v1/embeddings", #"{"model":"m","input":"a"}"#) }
                let input = (speech + rest).joined()
                let id = try await server.submit(Array(input.utf8), endpoint: "*").id
                _ = try await server.batch(id, reaching: "50 other lines done") { $0.request_counts.completed == 50 }
                // Two files of the largest size fit the budget.
                #expect(files.requestCount <= 2)
                gate.fire()
                let ended = try await server.end(of: id)
                #expect(ended.request_counts == .init(total: 80, completed: 80, failed: 0))
                #expect(files.requestCount == 30)
                let sounds = seen.requests.withLock { $0 }.filter { $0.body.firstRange(of: Self.sound) != nil }
                #expect(sounds.count == 30)
            }
        }

        @Test func `the operator's list decides what lines may name, and a mixed batch fails by line`() async throws {
            try await withScratch { scratch in
                let seen = Seen()
                let backend = try backend(seen)
                let server = try await Standalone.start(
                    in: scratch,
                    arguments: [
                        "--backend", backend.url("/v1"), "--set", "endpoints.allow=/v1/custom/thing,/v1/embeddings",
                    ]
                ).server
                let custom = line(1, "/v1/custom/thing", #"{"model":"m","anything":1}"#)
                let id = try await server.submit(Array(custom.utf8), endpoint: "/v1/custom/thing").id
                #expect(try await server.end(of: id).request_counts.completed == 1)
                #expect(seen.requests.withLock { $0.map(\.target) } == ["/v1/custom/thing"])

                let file = try await server.uploadBatchFile(Array(custom.utf8))
                let json = #"{"input_file_id":"\#(file)","endpoint":"/v1/responses","completion_window":"24h"}"#
                let refusal = try await server.post("/v1/batches", json: json).refusal()
                #expect(refusal.param == "endpoint" && refusal.message.contains("'/v1/custom/thing'"))

                let bad = custom + line(2, "/v1/score", #"{"model":"m"}"#)
                let failed = try await server.end(of: try await server.submit(Array(bad.utf8), endpoint: "*").id)
                #expect(failed.status == "failed")
                #expect(failed.errors?.data.map { "\($0.line ?? 0) \($0.code)" } == ["2 invalid_url"])
            }
        }

        @Test func `a worker that is killed in a mixed batch costs no line, and a retry keeps the ways`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let server = try await fleet.coordinator().server
                let doomed = try await fleet.worker(backend, ["--concurrency", "16"])
                let urls = ["/v1/chat/completions", "/v1/embeddings", "/v1/rerank", "/score"]
                var text = ""
                for number in 0..<600 {
                    // Every tenth line fails, until it is retried.
                    let steps = number % 10 == 3 ? #""400","ok""# : #""ok""#
                    text += line(
                        number, urls[number % 4],
                        #"{"model":"m\#(number % 3)","messages":[],"input":"é","query":"q","documents":["d"],"#
                            + #""script":{"nonce":"n-\#(number)","steps":[\#(steps)]}}"#)
                }
                let input = Array(text.utf8)
                try await backend.hold(after: 100)
                let id = try await server.submit(input, endpoint: "*").id
                try await backend.stats(reaching: "16 calls held") { $0.held == 16 }
                _ = try await server.batch(id, reaching: "100 recorded") {
                    $0.request_counts.completed + $0.request_counts.failed == 100
                }
                try await doomed.kill9()
                try await backend.release()

                _ = try await fleet.worker(backend)
                let ended = try await server.end(of: id)
                // A line in flight when the worker died may have failed there and succeeded at its second call.
                let counts = ended.request_counts
                #expect(counts.completed + counts.failed == 600 && (540...556).contains(counts.completed))
                let check = try await ResultCheck.run(ended, input: input, from: server, backend: backend, in: scratch)
                #expect(check.calls == 600 + 16 && check.computed_twice <= 16)
                let merged = scratch.path("all.jsonl")
                let run = try await Batchctl.run(
                    ["retry", id, "--wait", "--merge", "-o", merged], server: server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                let lines = String(decoding: try scratch.read("all.jsonl"), as: UTF8.self).split(separator: "\n")
                #expect(lines.count == 600 && lines.allSatisfy { $0.contains(#""status_code":200"#) })
                let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
                for (number, url) in urls.enumerated() {
                    #expect(log.contains(#""nonce": "n-\#(number + 100)""#) && log.contains(#""path": "\#(url)""#))
                }
            }
        }

        @Test func `a streamed answer is recorded as the completion it stands for`() async throws {
            try await withScratch { scratch in
                let backend = try ScriptedServer { _, connection in
                    try connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for piece in ["Hel", "lo"] {
                        let chunk = #"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":"#
                        try connection.sendChunk(Array("data: \(chunk){\"content\":\"\(piece)\"}}]}\n\n".utf8))
                    }
                    try connection.sendChunk(Array("data: [DONE]\n\n".utf8))
                    try connection.sendChunk([])
                }
                let server = try await Standalone.start(in: scratch, arguments: ["--backend", backend.url("/v1")])
                    .server
                let input = line(1, "/v1/chat/completions", #"{"model":"m","messages":[]}"#)
                let batch = try await server.end(of: try await server.submit(Array(input.utf8)).id)
                let output = try await server.content(try #require(batch.output_file_id))
                #expect(
                    String(decoding: output, as: UTF8.self).contains(
                        #""body":{"id":"c","object":"chat.completion","choices":[{"index":0,"message":"#
                            + #"{"role":"assistant","content":"Hello"}}]}"#))
            }
        }
    }
}
