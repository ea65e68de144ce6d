// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import HTTPTesting
import ServerTesting
import Synchronization
import Testing

/// What a run does where a simple one would lose results or tell secrets.
@Suite(.timeLimit(.minutes(2)))
struct RunEdgeTests {
    @Test func `files that would become one are refused before any of them exists`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file([chat("a")]), to: "in.jsonl")
            let folder = rig.scratch.path("")
            for errors in ["./out.jsonl", "out.jsonl.journal", "out.jsonl.journal.new"] {
                let run = try await rig.run(input, "--split-errors", folder + "/" + errors)
                #expect(run.status == 64 && run.errors.contains("the same file"), "\(errors): \(run.errors)")
            }
            let journal = try rig.scratch.write(file([chat("a")]), to: "a.journal")
            for more in [[], ["--force"], ["--resume"]] {
                let run = try await Batchctl.run(
                    rig.arguments(journal, to: "a") + more, server: nil, in: rig.scratch)
                #expect(run.status == 64 && run.errors.contains("the same file"), "\(run.errors)")
            }
            #expect(try rig.lines("a.journal") == [chat("a")])
            #expect(try rig.leftovers(but: "in.jsonl", "a.journal").isEmpty)
            #expect(try await backend.stats().calls == 0)
        }
    }

    @Test func `an input that is touched during a run costs no answer of calls in flight`() async throws {
        try await withRun { rig, backend in
            let batch = BatchFile(lines: 3_000, latencyMilliseconds: 20)
            let input = try rig.scratch.write(batch.text, to: "in.jsonl")
            try await backend.hold(after: 100)
            let first = try ChildProcess(
                Products.program("batchctl"), rig.arguments(input) + ["--max-inflight", "16"], name: "batchctl",
                in: rig.scratch)
            try await backend.stats(reaching: "a held call") { $0.held > 0 }
            utimes(input, nil)
            try await backend.release()
            #expect(try await first.end() != .exited(0))
            #expect(first.errors.contains("was changed while"), "\(first.errors)")
            let second = try await rig.run(input, "--resume")
            #expect(second.status == 0, "\(second.errors)")
            #expect(try await backend.stats().calls == 3_000)
        }
    }

    @Test func `permissions in addresses and secrets in options are never shown`() async throws {
        try await withRun { rig, backend in
            let store = try ScriptedServer { _, connection in try connection.respond(text: "{\n") }
            let run = try await rig.run(store.url("/in.jsonl?X-Amz-Signature=secret"))
            #expect(run.status == 8 && run.output.contains("/in.jsonl:1: "), "\(run.errors)")
            #expect(!(run.output + run.errors).contains("secret"))
            let input = try rig.scratch.write(file([chat("a")]), to: "in.jsonl")
            let header = try await rig.run(input, "--header", "Authorization secret")
            #expect(header.status == 64 && !header.errors.contains("secret"), "\(header.errors)")
        }
    }

    @Test func `an input without a certain end is not taken for whole`() async throws {
        try await withRun { rig, backend in
            let store = try ScriptedServer { _, connection in
                try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + chat("a") + "\n")
                connection.close()
            }
            let run = try await rig.run(store.url("/in.jsonl"))
            #expect(run.status == 64 && run.errors.contains("Content-Length"), "\(run.errors)")
            #expect(try await backend.stats().calls == 0)
        }
    }

    @Test func `a recording is fetched and sent as a form, a streamed answer put together`() async throws {
        try await withScratch { scratch in
            let files = try ScriptedServer { _, connection in
                try connection.respond(headers: [("Content-Type", "audio/wav")], text: "RIFF sound")
            }
            let forms = Mutex<[String]>([])
            let server = try ScriptedServer { request, connection in
                if request.target == "/v1/audio/transcriptions" {
                    forms.withLock { $0.append((request.header("Content-Type") ?? "") + "|" + request.text) }
                    return try connection.respond(text: #"{"text":"heard"}"#)
                }
                let chunks = ["Hel", "lo"].map { #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}}]}"# }
                let end = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
                try connection.respond(
                    headers: [("Content-Type", "text/event-stream")],
                    text: (chunks + [end, "[DONE]"]).map { "data: \($0)\n\n" }.joined())
            }
            let rig = RunRig(scratch: scratch, url: server.url(""))
            let audio = #"{"model":"w","language":"de","file_url":"\#(files.url("/talk.wav"))"}"#
            let lines = [
                line("audio", url: "/v1/audio/transcriptions", body: audio), chat("chat", script: #","stream":true"#),
            ]
            let run = try await rig.run(try scratch.write(file(lines), to: "in.jsonl"))
            #expect(run.status == 0, "\(run.errors)")
            let form = try #require(forms.withLock { $0.first })
            #expect(form.hasPrefix("multipart/form-data; boundary=") && !form.contains("file_url"))
            #expect(
                form.contains("RIFF sound") && form.contains(#"filename="talk.wav""#) && form.contains("\r\nde\r\n"))
            let results = try rig.lines()
            #expect(results[0].contains(#""body":{"text":"heard"}"#))
            #expect(results[1].contains(#""content":"Hello""#) && !results[1].contains("delta"))
        }
    }

    @Test func `a wrong key ends a run early, and no line is lost`() async throws {
        try await withScratch { scratch in
            let calls = Mutex(0)
            let server = try ScriptedServer { request, connection in
                calls.withLock { $0 += 1 }
                let isKnown = request.header("Authorization") == "Bearer good"
                let refusal = request.text.contains("forbidden") ? 403 : isKnown ? 200 : 401
                try connection.respond(refusal, text: "{}")
            }
            let rig = RunRig(scratch: scratch, url: server.url(""))
            let lines = [line("other", url: "/v1/other", body: #"{"model":"m"}"#)] + (0..<500).map { chat("id-\($0)") }
            let input = try scratch.write(file(lines), to: "in.jsonl")
            let first = try await rig.run(input, "--api-key", "bad", "--max-inflight", "4")
            #expect(first.status == 4 && first.errors.contains("first 20 calls"), "\(first.errors)")
            #expect(calls.withLock { $0 } < 30)
            let second = try await rig.run(input, "--api-key", "good", "--resume", "--json", "-q")
            #expect(second.status == 6 && second.output.contains(#""succeeded":500,"failed":1,"#), "\(second.errors)")
            #expect(second.errors.isEmpty, "\(second.errors)")
            // Too few to tell: their refusals are their results.
            let few = (0..<3).map { chat("id-\($0)", model: "forbidden") }
            let small = try scratch.write(file(few + [lines[0]]), to: "small.jsonl")
            let third = try await rig.run(small, to: "small-out.jsonl", "--api-key", "good", "--json")
            #expect(third.status == 6 && third.output.contains(#""succeeded":0,"failed":4,"#), "\(third.errors)")
        }
    }
}
