// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

extension EndToEndTests {
    /// A file is run as a whole or not at all.
    @Suite struct BadLinesTests {
        @Test func `one malformed line fails the batch and no backend is called`() async throws {
            try await withScratch { scratch in
                let backend = try await Backend.scripted(in: scratch)
                let standalone = try await Standalone.start(in: scratch, backend: backend)
                var file = BatchFile(lines: 700)
                file.add(line: "{\"custom_id\": \"broken\", ")
                for _ in 0..<700 { file.add() }
                let ended = try await standalone.server.end(of: standalone.server.submit(file.bytes).id)
                #expect(ended.status == "failed")
                let problem = try #require(ended.errors?.data.first)
                #expect(ended.errors?.data.count == 1)
                #expect(problem.code == "invalid_json_line" && problem.line == 701 && problem.param == nil)
                #expect(ended.output_file_id == nil && ended.error_file_id == nil)
                #expect(try await backend.stats().calls == 0)
            }
        }

        @Test func `every problem of every line is reported with its line, code and field`() async throws {
            try await withScratch { scratch in
                let standalone = try await Standalone.start(in: scratch)
                let ended = try await standalone.server.end(
                    of: standalone.server.submit(Array(Self.badFile.utf8), endpoint: "/v1/chat/ds-test").id)
                #expect(ended.status == "failed")
                let found = (ended.errors?.data ?? []).map { "\($0.line ?? 0) \($0.code) \($0.param ?? "-")" }
                #expect(found == Self.expectedProblems)
                for problem in ended.errors?.data ?? [] { #expect(!problem.message.isEmpty) }

                // The command line says the same without a server.
                let path = try scratch.write(Self.badFile, to: "bad.jsonl")
                let run = try await Batchctl.run(
                    ["validate", path, "--endpoint", "/v1/chat/ds-test"], server: nil, in: scratch)
                #expect(run.status == 8)
                for line in 3...8 { #expect(run.output.contains("bad.jsonl:\(line):"), "\(run.output)") }
            }
        }

        private static func line(_ id: String, body: String = #"{"model":"batch-test-model","messages":[]}"#) -> String
        {
            #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/ds-test","body":\#(body)}"#
        }

        private static let badFile =
            [
                line("good"),
                "",
                "[1, 2]",
                #"{"method":"POST","url":"/v1/chat/ds-test"}"#,
                line("good"),
                line("method").replacing("POST", with: "GET"),
                line("url").replacing("/v1/chat/ds-test", with: "/v1/embeddings"),
                line("stream", body: #"{"model":"batch-test-model","messages":[],"stream":true}"#),
                line("model", body: #"{"messages":[]}"#),
                line("other", body: #"{"model":"another-model","messages":[]}"#),
            ].joined(separator: "\n") + "\n"

        private static let expectedProblems = [
            "3 invalid_json_line -", "4 missing_required_parameter custom_id", "4 missing_required_parameter body",
            "5 duplicate_custom_id custom_id", "6 invalid_method method", "7 invalid_url url",
            "8 streaming_unsupported body.stream", "9 invalid_request body.model", "10 model_not_found body.model",
            "10 mismatched_model body.model",
        ]

        @Test func `a batch of an unknown or foreign file is accepted and fails with the reason`() async throws {
            try await withScratch { scratch in
                let standalone = try await Standalone.start(in: scratch)
                let server = standalone.server
                let other = try await server.upload(BatchFile(lines: 1).bytes, purpose: "user_data")
                let otherID = try other.decode(Identified.self).id
                for fileID in ["file-unknown", otherID] {
                    let ended = try await server.end(of: server.createBatch(fileID).id)
                    #expect(ended.status == "failed")
                    #expect(ended.errors?.data.count == 1)
                    let problem = try #require(ended.errors?.data.first)
                    #expect(problem.code == "invalid_request" && problem.param == "file_id" && problem.line == nil)
                    #expect(problem.message.contains(fileID))
                }
            }
        }

        private struct Identified: Decodable {
            let id: String
        }
    }
}
