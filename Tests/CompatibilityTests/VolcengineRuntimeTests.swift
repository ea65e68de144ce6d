// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServerTesting
import Testing

/// Ark's runtime SDK against a whole server and a backend.
@Suite(.serialized) struct `Volcengine's runtime SDK against a server` {
    private struct Met: Decodable {
        let status: Int
        let text: String
    }

    private struct Tally: Decodable {
        let answers: Int
        let failures: [String]
    }

    private func run<Found: Decodable>(
        _ mode: String, _ server: ServerTesting.ServerAddress, _ arguments: [String], in scratch: Scratch,
        as type: Found.Type
    ) async throws -> Found {
        let process = try ChildProcess(
            Products.python(),
            [Products.script("ark_runtime.py"), mode, server.url + "/api/v3", server.key] + arguments,
            environment: ["NO_PROXY": "127.0.0.1"], name: "runtime", in: scratch)
        #expect(try await process.end(within: .seconds(240)) == .exited(0), "\(process.errors)")
        return try JSONDecoder().decode(Found.self, from: Data(process.output.utf8))
    }

    @Test func `every call is answered by the backend`() async throws {
        try await withScratch { scratch in
            let backend = try await Backend.scripted(in: scratch)
            let arguments = ["--set", "ark.models=ep-m=m"]
            let server = try await Standalone.start(in: scratch, backend: backend, arguments: arguments).server
            let made = try ChildProcess(
                Products.program("batchd"),
                ["access-keys", "create", "--project", "default", "--data-dir", scratch.path("data")], name: "keys",
                in: scratch)
            #expect(try await made.end() == .exited(0), "\(made.errors)")
            let pair = made.output.split(whereSeparator: \.isWhitespace).map(String.init)
            #expect(pair.count == 2)
            let met = try await run("calls", server, ["m"] + pair, in: scratch, as: [String: Met].self)
            for name in ["chat", "deprecated chat", "async chat", "signed", "signed again"] {
                #expect(met[name]?.status == 200 && met[name]?.text == "reply to None", "\(name): \(met)")
            }
            for name in ["embeddings", "async embeddings"] { #expect(met[name]?.text == "1", "\(name): \(met)") }
            for name in ["multimodal", "async multimodal"] { #expect(met[name]?.text == "True", "\(name): \(met)") }
            for (name, status) in [
                ("no messages", 400), ("streamed", 400), ("wrong key", 401), ("signed for another", 403),
            ] {
                #expect(met[name]?.status == status, "\(name): \(met)")
            }
        }
    }

    @Test func `the document's example is answered whole`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            let tally = try await run(
                "example", server, ["batch-test-model", "100", "5"], in: scratch, as: Tally.self)
            #expect(tally.answers == 500 && tally.failures.isEmpty, "\(tally)")
        }
    }
}
