// SPDX-License-Identifier: Apache-2.0

import Foundation
import PostgresTesting
import ServerTesting
import Testing

extension EndToEndTests {
    /// The programs as people and scripts see them.
    @Suite struct ProgramTests {
        @Test func `each kind of failure of batchctl has an exit status of its own and one clear line`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let server = try await Standalone.start(in: scratch, backend: backend).server
                func run(_ arguments: String..., by address: ServerAddress? = nil) async throws -> Batchctl {
                    try await Batchctl.run(arguments, server: address ?? server, in: scratch)
                }
                let good = try scratch.write(BatchFile(lines: 2).text, to: "good.jsonl")
                let bad = try scratch.write(BatchFile(lines: 1).text + "{}\n", to: "bad.jsonl")
                let mixed = try scratch.write(
                    BatchFile(lines: 1).text + BatchFile(lines: 2, steps: ["400"]).text.split(separator: "\n")[1]
                        + "\n",
                    to: "mixed.jsonl")

                #expect(try await run("submit", good, "--wait").status == 0)
                #expect(try await run("submit", good, "--no-such-option").status == 64)
                let missing = try await run("submit", scratch.path("missing.jsonl"))
                #expect(missing.status == 7 && missing.errors.contains("missing.jsonl"))
                #expect(try await run("submit", bad, "--wait").status == 5)
                #expect(try await run("submit", mixed, "--wait").status == 6)
                #expect(try await run("validate", bad).status == 8)
                #expect(try await run("validate", good).status == 0)
                let unknown = try await run("status", "batch_nothing")
                #expect(unknown.status == 3 && unknown.errors.contains("batch_nothing"))
                let stranger = try ServerAddress(url: server.url, key: "sk-wrong-wrong-wrong-wrong")
                let refused = try await run("list", by: stranger)
                #expect(refused.status == 3 && refused.errors.contains("API key"))
                try await backend.process.kill9()
                let nowhere = try ServerAddress(url: "http://127.0.0.1:\(backend.port)", key: "k")
                let unreachable = try await run("list", by: nowhere)
                #expect(unreachable.status == 4 && unreachable.errors.contains("127.0.0.1:\(backend.port)"))
                for failure in [missing, unknown, refused, unreachable] {
                    #expect(failure.errors.split(separator: "\n").count == 1, "\(failure.errors)")
                    #expect(failure.output.isEmpty)
                }
            }
        }

        @Test func `the environment of OpenAI's tools leads batchctl to the server`() async throws {
            try await withScratch { scratch in
                let server = try await Standalone.start(in: scratch).server
                let run = try await Batchctl.run(
                    ["list"], server: nil,
                    environment: ["OPENAI_BASE_URL": "\(server.url)/v1", "OPENAI_API_KEY": server.key], in: scratch)
                #expect(run.status == 0, "\(run.errors)")
            }
        }

        @Test func `migrate prints, applies and checks the schema`() async throws {
            try await withScratch { scratch in
                let fleet = try Fleet(in: scratch, postgres: .shared())
                let script = try await fleet.batchd(["migrate", "--print"])
                #expect(script.end == .exited(0))
                #expect(script.output.contains("create table batches"))
                #expect(try await fleet.batchd(["migrate", "--check"]).end == .exited(2))
                #expect(try await fleet.batchd(["migrate"]).end == .exited(0))
                #expect(try await fleet.batchd(["migrate", "--check"]).end == .exited(0))
                #expect(try await fleet.batchd(["migrate"]).end == .exited(0))
            }
        }

        @Test func `check proves a configuration, and names what is wrong without showing secrets`() async throws {
            try await withScratch { scratch in
                let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
                let backend = try await Backend.scripted(in: scratch)
                let fine = try await fleet.batchd(["check", "--backend", backend.baseURL])
                #expect(fine.end == .exited(0), "\(fine.output)\(fine.errors)")
                try await backend.process.kill9()
                let broken = try await fleet.batchd(["check", "--backend", backend.baseURL])
                #expect(broken.end == .exited(1))
                #expect("\(broken.output)\(broken.errors)".contains("127.0.0.1:\(backend.port)"))
            }
        }

        @Test func `the example configuration lists every setting with its default`() async throws {
            try await withScratch { scratch in
                let settings = try ChildProcess(
                    Products.program("batchd"), ["settings", "--yaml"], name: "settings", in: scratch)
                #expect(try await settings.end() == .exited(0))
                let example = Products.checkout.appendingPathComponent("Deploy/shardline.example.yaml")
                let text = try String(contentsOf: example, encoding: .utf8)
                #expect(text == settings.output, "renew it: batchd settings --yaml > Deploy/shardline.example.yaml")
            }
        }
    }
}
