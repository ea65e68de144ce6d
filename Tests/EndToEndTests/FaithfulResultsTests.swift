// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

extension EndToEndTests {
    /// What goes in comes out: once, in order, under its own name, byte for byte.
    @Suite struct FaithfulResultsTests {
        @Test func `a thousand lines against a stumbling backend each get their own answer, once and in order`()
            async throws
        {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: backend)
                let file = Self.stumblingFile
                let batch = try await standalone.server.submit(file.bytes)
                let ended = try await standalone.server.end(of: batch.id)
                #expect(ended.status == "completed")
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: standalone.server, backend: backend, in: scratch)
                #expect(check.lines == 1_000)
                // Of every hundred lines, one is refused and three never get a usable answer.
                #expect(check.failed == 40)
                #expect(check.completed == 960)
                #expect(check.computed_twice == 0)
            }
        }

        /// A thousand lines; of every hundred, some stumble before they succeed and some never do.
        private static var stumblingFile: BatchFile {
            var file = BatchFile()
            for line in 0..<1_000 {
                switch line % 100 {
                case 3: file.add(steps: ["429 retry-after=1", "ok"])
                case 7: file.add(steps: ["429 retry-date=1", "ok"])
                case 13: file.add(steps: ["500", "ok"])
                case 17: file.add(steps: ["503", "502", "pretty"])
                case 23: file.add(steps: ["reset", "ok"])
                case 29: file.add(steps: ["truncated", "ok"])
                case 31: file.add(steps: ["garbage", "ok"])
                case 37: file.add(steps: ["400"])
                case 41: file.add(steps: ["500"])
                case 43: file.add(steps: ["html"])
                case 47: file.add(steps: ["reset"])
                case 53: file.add(steps: ["huge bytes=50000"])
                case 59: file.add(steps: ["pretty"], latencyMilliseconds: 300)
                default: file.add()
                }
            }
            return file
        }

        @Test func `no more calls are in flight than the concurrency allows`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(
                    in: scratch, backend: backend, arguments: ["--concurrency", "7"])
                let file = BatchFile(lines: 200, latencyMilliseconds: 20)
                let batch = try await standalone.server.submit(file.bytes)
                let ended = try await standalone.server.end(of: batch.id)
                #expect(ended.request_counts == .init(total: 200, completed: 200, failed: 0))
                let stats = try await backend.stats()
                #expect(stats.peak == 7)
                #expect(stats.calls == 200)
            }
        }

        @Test func `odd line endings, blank lines and a byte order mark lose no line`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: backend)
                let lines = BatchFile(lines: 5).text.split(separator: "\n")
                let text =
                    "\u{FEFF}" + lines[0] + "\r\n\n   \n" + lines[1] + "\n\r\n" + lines[2...].joined(separator: "\r\n")
                let batch = try await standalone.server.submit(Array(text.utf8))
                let ended = try await standalone.server.end(of: batch.id)
                #expect(ended.request_counts == .init(total: 5, completed: 5, failed: 0))
                let plain = Array(text.dropFirst().replacing("\r\n", with: "\n").utf8)
                let check = try await ResultCheck.run(
                    ended, input: plain, from: standalone.server, backend: backend, in: scratch)
                #expect(check.calls == 5)
            }
        }

        @Test func `a batch whose lines all fail is completed, with an error file alone`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: backend)
                let file = BatchFile(lines: 3, steps: ["400"])
                let batch = try await standalone.server.submit(file.bytes)
                let ended = try await standalone.server.end(of: batch.id)
                #expect(ended.status == "completed")
                #expect(ended.output_file_id == nil && ended.error_file_id != nil)
                let check = try await ResultCheck.run(
                    ended, input: file.bytes, from: standalone.server, backend: backend, in: scratch)
                // The request's own fault is not tried again.
                #expect(check.failed == 3 && check.calls == 3)
            }
        }

        @Test func `each text of an embeddings batch gets the vector the real model gives it`() async throws {
            try await withScratch { scratch in
                let model = try await Backend.embeddings(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: model)
                let input = try scratch.write(Self.embeddingLines, to: "input.jsonl")
                let output = scratch.path("output.jsonl")
                let run = try await Batchctl.run(
                    ["submit", input, "--wait", "--output", output], server: standalone.server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")
                let check = try ChildProcess(
                    Products.python(),
                    [Products.script("check_embeddings.py"), "--input", input, "--output", output, "--every", "5"],
                    name: "check", in: scratch)
                #expect(try await check.end() == .exited(0), "\(check.errors)")
                #expect(check.output.contains(#""vectors": 60, "recomputed": 12, "distinct": 60"#))
            }
        }

        private static var embeddingLines: String {
            let subjects = ["The river", "A batch", "Die Straße", "这座城市", "Her proof", "An elephant 🐘"]
            let verbs = ["sleeps", "grows without end", "is made of glass", "waits for the morning", "sings"]
            let ends = ["in winter.", "and nobody asks why."]
            var text = ""
            for (number, subject) in subjects.enumerated() {
                for (second, verb) in verbs.enumerated() {
                    for (third, end) in ends.enumerated() {
                        let body = #"{"model":"all-MiniLM-L6-v2","input":"\#(subject) \#(verb) \#(end)"}"#
                        text += #"{"custom_id":"\#(number).\#(second).\#(third)","method":"POST","#
                        text += #""url":"/v1/embeddings","body":\#(body)}"# + "\n"
                    }
                }
            }
            return text
        }
    }
}
