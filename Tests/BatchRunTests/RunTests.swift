// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import HTTPTesting
import ServerTesting
import Synchronization
import Testing

/// The real program against real servers.
struct RunTests {
    @Test func `bodies are exact both ways, and each result is under its own line`() async throws {
        try await withRun { rig, backend in
            var batch = BatchFile(lines: 300, latencyMilliseconds: 1)
            batch.add(steps: ["429 retry-after=0", "503", "ok"])
            batch.add(steps: ["pretty"])
            batch.add(steps: ["huge bytes=3000000"])
            batch.add(steps: ["garbage", "truncated", "reset", "ok"])
            batch.add(steps: ["404"])
            let input = try rig.scratch.write(batch.text, to: "in.jsonl")
            let run = try await rig.run(input, "--split-errors", rig.scratch.path("errors.jsonl"))
            #expect(run.status == 6 && run.errors.contains("304 succeeded, 1 failed"), "\(run.errors)")
            let check = try ChildProcess(
                Products.python(),
                [
                    Products.script("check_results.py"), "--input", input, "--output", rig.scratch.path("out.jsonl"),
                    "--errors", rig.scratch.path("errors.jsonl"), "--log", backend.logPath,
                ], name: "check", in: rig.scratch)
            #expect(try await check.end() == .exited(0), "\(check.errors)\(check.output)")
        }
    }

    @Test func `a finished run does nothing more, and results are never overwritten unasked`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file([chat("a"), chat("b")]), to: "in.jsonl")
            #expect(try await rig.run(input).status == 0)
            let results = try rig.scratch.read("out.jsonl")
            let again = try await rig.run(input)
            #expect(again.status == 64 && again.errors.contains("--resume"))
            let resumed = try await rig.run(input, "--resume")
            #expect(resumed.status == 0 && resumed.errors.contains("has all 2 lines already"), "\(resumed.errors)")
            #expect(try rig.scratch.read("out.jsonl") == results)
            #expect(try await backend.stats().calls == 2)
            let other = try rig.scratch.write(file([chat("a"), chat("c")]), to: "other.jsonl")
            let refused = try await rig.run(other, "--resume")
            #expect(refused.status == 64 && refused.errors.contains("line 2 of"), "\(refused.errors)")
            let format = try await rig.run(input, "--resume", "--format", "vllm")
            #expect(format.status == 64 && format.errors.contains("another --format"), "\(format.errors)")
            #expect(try rig.scratch.read("out.jsonl") == results)
            #expect(try await rig.run(other, "--force").status == 0)
            #expect(try rig.results().map(\.custom_id) == ["a", "c"])
        }
    }

    @Test func `an invalid file is refused as a whole, and nothing was sent or made`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file([chat("a"), "", "{", chat("a")]), to: "in.jsonl")
            let run = try await rig.run(input)
            #expect(run.status == 8 && run.output.contains("in.jsonl:3: ") && run.output.contains("in.jsonl:4: "))
            #expect(try await backend.stats().calls == 0)
            #expect(try rig.leftovers(but: "in.jsonl").isEmpty)
        }
    }

    @Test func `input and output that are one file are refused, links included`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file([chat("a")]), to: "in.jsonl")
            symlink(input, rig.scratch.path("soft.jsonl"))
            link(input, rig.scratch.path("hard.jsonl"))
            for output in ["in.jsonl", "soft.jsonl", "hard.jsonl"] {
                let run = try await rig.run(input, to: output, "--force")
                #expect(run.status == 64 && run.errors.contains("the same file"), "\(run.errors)")
            }
            let url = "http://127.0.0.1:9/b/key"
            let run = try await rig.run(url + "?X-Amz-Signature=1", to: url + "?X-Amz-Signature=2")
            #expect(run.status == 64 && run.errors.contains("the same URL"), "\(run.errors)")
            #expect(try rig.lines("in.jsonl") == [chat("a")])
            #expect(try await backend.stats().calls == 0)
        }
    }

    @Test func `a pipe is read once, leaves no copy, and can be resumed with the same content only`() async throws {
        try await withRun { rig, backend in
            let pipe = rig.scratch.path("pipe")
            mkfifo(pipe, 0o600)
            func run(_ lines: [String], _ more: String...) async throws -> ChildProcess {
                let run = try ChildProcess(
                    Products.program("batchctl"), rig.arguments(pipe) + more, name: "batchctl", in: rig.scratch)
                let text = file(lines)
                Thread.detachNewThread {
                    guard let end = fopen(pipe, "w") else { return }
                    fputs(text, end)
                    fclose(end)
                }
                return run
            }
            let lines = (0..<30).map { chat("id-\($0)") }
            try await backend.hold(after: 10)
            let first = try await run(lines)
            try await backend.stats(reaching: "held calls") { $0.held == 20 }
            try await first.kill9()
            try await backend.release()
            let other = try await run(Array(lines.dropLast()), "--resume")
            #expect(try await other.end() == .exited(64))
            #expect(other.errors.contains("another input"), "\(other.errors)")
            let second = try await run(lines, "--resume")
            #expect(try await second.end() == .exited(0), "\(second.errors)")
            #expect(try rig.results().map(\.custom_id) == (0..<30).map { "id-\($0)" })
            #expect(try rig.leftovers(but: "pipe", "out.jsonl").isEmpty)
        }
    }

    @Test func `--model is given to lines without one, and the key and headers to every call`() async throws {
        try await withScratch { scratch in
            let bodies = Mutex<[String]>([])
            let server = try ScriptedServer { request, connection in
                bodies.withLock { bodies in
                    let facts = [request.header("Authorization"), request.header("X-Team"), request.text]
                    bodies.append(facts.map { $0 ?? "-" }.joined(separator: "|"))
                }
                try connection.respond(text: "{}")
            }
            let rig = RunRig(scratch: scratch, url: server.url("/v1"))
            let input = try scratch.write(file([chat("a", model: nil), chat("b")]), to: "in.jsonl")
            let environment = ["OPENAI_API_KEY": "sk-model", "SHARDLINE_API_KEY": "sk-other"]
            let run = try await rig.run(
                input, "--model", "m", "--header", "X-Team: blue", "--max-inflight", "1", environment: environment)
            #expect(run.status == 0, "\(run.errors)")
            let body = #""messages":[{"role":"user","content":"hi"}]}"#
            #expect(
                bodies.withLock { $0 } == Array(repeating: "Bearer sk-model|blue|{\"model\":\"m\"," + body, count: 2))
        }
    }

    @Test func `results for a URL are sent again after failures, and kept where they are when all fail`() async throws {
        try await withRun { rig, backend in
            let bodies = Mutex<[String]>([])
            let isBroken = Mutex(true)
            let store = try ScriptedServer { request, connection in
                let count = bodies.withLock { bodies in
                    bodies.append("\(request.method) \(request.text)")
                    return bodies.count
                }
                if isBroken.withLock({ $0 }) { return try connection.respond(count % 2 == 0 ? 503 : 403, text: "no") }
                if count < 6 { return connection.reset() }
                try connection.respond(201, text: "")
            }
            let input = try rig.scratch.write(file([chat("a"), chat("b")]), to: "in.jsonl")
            let arguments =
                rig.arguments(input, to: store.url("/out.jsonl?sig=secret")) + [
                    "--tmp-dir", rig.scratch.path("."), "--put-pause", "0", "--put-attempts",
                ]
            let first = try await Batchctl.run(arguments + ["3"], server: nil, in: rig.scratch)
            #expect(first.status == 4 && first.errors.contains("in 3 tries (HTTP 403 no)"), "\(first.errors)")
            #expect(!first.errors.contains("secret"))
            let staged = try #require(try rig.leftovers(but: "in.jsonl").first)
            #expect(first.errors.contains(staged) && staged.hasPrefix("batchctl-run-"))
            #expect(try rig.results(staged).map(\.custom_id) == ["a", "b"])
            isBroken.withLock { $0 = false }
            let second = try await Batchctl.run(arguments + ["5", "--resume"], server: nil, in: rig.scratch)
            #expect(second.status == 0, "\(second.errors)")
            #expect(try rig.leftovers(but: "in.jsonl") == [staged + ".sent"])
            let third = try await Batchctl.run(arguments + ["5", "--resume"], server: nil, in: rig.scratch)
            #expect(third.status == 0 && third.errors.contains("has all 2 lines already"), "\(third.errors)")
            #expect(try await backend.stats().calls == 2)
            let sent = bodies.withLock { $0 }
            #expect(sent.count == 6 && sent.last?.hasPrefix("PUT {\"id\":") == true)
            let other = try rig.scratch.write(file([chat("c")]), to: "in.jsonl")
            #expect(other == input)
            let fourth = try await Batchctl.run(arguments + ["5", "--resume"], server: nil, in: rig.scratch)
            #expect(fourth.status == 0, "\(fourth.errors)")
            #expect(try await backend.stats().calls == 3)
        }
    }

    @Test func `a server that is away is waited for, then the run is given up, and goes on later`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file((0..<20).map { chat("id-\($0)") }), to: "in.jsonl")
            try await backend.override(step: "503")
            let run = try await rig.run(input, "--patience", "1")
            #expect(run.status == 4 && run.errors.contains("status 503"), "\(run.errors)")
            #expect(try rig.scratch.read("out.jsonl").isEmpty, "a line failed because the server was away")
            try await backend.override(step: nil)
            let again = try await rig.run(input, "--resume", "--json")
            #expect(again.status == 0 && again.output.contains(#""succeeded":20,"failed":0,"#), "\(again.errors)")
        }
    }

    @Test func `a slow first line holds up no other, though little of their results fits in memory`() async throws {
        try await withScratch { scratch in
            let count = 2_000
            let answered = Mutex(0)
            let all = TestSignal("answers to all other lines")
            let filling = String(repeating: "x", count: 2_000)
            let server = try ScriptedServer { request, connection in
                if request.text.contains("\"first\"") {
                    try all.waitOnThread(seconds: 60)
                } else if answered.withLock({ answered in
                    answered += 1
                    return answered == count
                }) {
                    all.fire()
                }
                try connection.respond(text: #"{"model":"\#(filling)"}"#)
            }
            let rig = RunRig(scratch: scratch, url: server.url(""))
            let lines = [chat("first", model: "first")] + (0..<count).map { chat("id-\($0)") }
            let input = try scratch.write(file(lines), to: "in.jsonl")
            let run = try await rig.run(input, "--buffer-bytes", "100000", "--max-inflight", "8")
            #expect(run.status == 0, "\(run.errors)")
            #expect(all.hasFired)
            #expect(try rig.results().map(\.custom_id) == ["first"] + (0..<count).map { "id-\($0)" })
            #expect(try rig.leftovers(but: "in.jsonl", "out.jsonl").isEmpty)
        }
    }

    @Test func `two runs to one output keep out of each other's way`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(file([chat("a")]), to: "in.jsonl")
            try await backend.hold()
            let first = try ChildProcess(
                Products.program("batchctl"), rig.arguments(input), name: "batchctl", in: rig.scratch)
            try await backend.stats(reaching: "a held call") { $0.held == 1 }
            let second = try await rig.run(input, "--resume")
            #expect(second.status == 64 && second.errors.contains("another run"), "\(second.errors)")
            try await backend.release()
            #expect(try await first.end() == .exited(0))
        }
    }
}
