// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServerTesting
import Testing

extension EndToEndTests {
    /// What a newcomer does first.
    @Suite struct QuickPathTests {
        private let example = Products.checkout.appendingPathComponent("Deploy/examples/chat.jsonl")

        @Test func `one command submits a file, watches it and writes the results in input order`() async throws {
            try await withScratch { scratch in
                let standalone = try await Standalone.start(in: scratch)
                let results = scratch.path("results.jsonl")
                let run = try await Batchctl.run(
                    ["submit", example.path, "--watch", "--output", results], server: standalone.server, in: scratch)
                #expect(run.status == 0, "\(run.errors)")

                let id = try #require(run.output.split(separator: "\n").first.map(String.init))
                let batch = try await standalone.server.batch(id)
                #expect(batch.status == "completed")
                let input = [UInt8](try Data(contentsOf: example))
                let check = try await ResultCheck.run(batch, input: input, from: standalone.server, in: scratch)
                #expect(check.completed == check.lines && check.lines == 12)
                let output = try await standalone.server.content(try #require(batch.output_file_id))
                #expect(try scratch.read("results.jsonl") == output)
                #expect(String(decoding: output, as: UTF8.self).contains("This is a test result."))
                #expect(batch.usage == BatchView.Usage.expected(lines: 12))
            }
        }

        @Test func `a restart on the same data directory finds the same key and the same batches`() async throws {
            try await withScratch { scratch in
                let first = try await Standalone.start(in: scratch)
                let input = [UInt8](try Data(contentsOf: example))
                let id = try await first.server.submit(input, endpoint: "/v1/chat/ds-test").id
                let batch = try await first.server.end(of: id)
                #expect(try await first.process.stop() == .exited(0))

                let second = try await Standalone.start(in: scratch)
                #expect(second.server.key == first.server.key)
                #expect(try await second.server.batch(id) == batch)
                let check = try await ResultCheck.run(batch, input: input, from: second.server, in: scratch)
                #expect(check.completed == 12)
            }
        }

        @Test func `the server prints one line on standard output and everything else on standard error`() async throws
        {
            try await withScratch { scratch in
                let standalone = try await Standalone.start(in: scratch)
                #expect(try await standalone.process.stop() == .exited(0))
                let lines = standalone.process.output.split(separator: "\n")
                #expect(lines.count == 1)
                #expect(!standalone.server.key.isEmpty)
                #expect(!standalone.process.errors.contains(standalone.server.key))
                // PostgreSQL went with it: its lock file is gone.
                let left = FileManager.default.subpaths(atPath: scratch.path("data")) ?? []
                #expect(!left.contains { $0.hasSuffix("postmaster.pid") })
            }
        }

        @Test func `a second server on the same data directory is refused and does no harm`() async throws {
            try await withScratch { scratch in
                let first = try await Standalone.start(in: scratch)
                await #expect(throws: HarnessError.self) { try await Standalone.start(in: scratch) }
                #expect(try await first.server.get("/v1/batches").status == 200)
            }
        }
    }
}

extension BatchView.Usage {
    /// What the built-in model counts. (contracts: Bailian test model)
    fileprivate static func expected(lines: Int) -> BatchView.Usage {
        BatchView.Usage(input_tokens: 20 * lines, output_tokens: 6 * lines, total_tokens: 26 * lines)
    }
}
