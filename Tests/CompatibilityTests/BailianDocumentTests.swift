// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTesting
import ServerTesting
import Synchronization
import Testing

/// The examples of Bailian's document, and other clients that are pointed at its path.
@Suite(.serialized) struct `Bailian's document` {
    private static let prefix = "/compatible-mode/v1"

    /// Runs the examples; `document` is a copy of the vendor's own text, whose scripts then run unchanged.
    private func runExamples(document: String?) async throws {
        try await withScratch { scratch in
            let backend = try await Backend.scripted(in: scratch)
            let server = try await Standalone.start(in: scratch, backend: backend).server
            let more = document.map { ["--document", $0] } ?? []
            let process = try ChildProcess(
                Products.python(),
                [
                    Products.script("bailian_document.py"), "--url", server.url, "--key", server.key, "--backend",
                    String(backend.baseURL.dropLast("/v1".count)), "--batchctl", try Products.program("batchctl"),
                ] + more, environment: ["NO_PROXY": "127.0.0.1"], name: "examples", in: scratch)
            #expect(try await process.end(within: .seconds(240)) == .exited(0), "\(process.errors)")
        }
    }

    @Test func `has examples that work with the SDK`() async throws {
        try await runExamples(document: nil)
    }

    /// The document is not ours to distribute; whoever has it names it in `SHARDLINE_TEST_BAILIAN_DOCUMENT`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SHARDLINE_TEST_BAILIAN_DOCUMENT"] != nil))
    func `has scripts that work character by character`() async throws {
        try await runExamples(document: ProcessInfo.processInfo.environment["SHARDLINE_TEST_BAILIAN_DOCUMENT"])
    }

    @Test func `has calls that work with curl`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            let base = server.url + Self.prefix
            func curl(_ arguments: [String]) async throws -> [String: Any] {
                let process = try ChildProcess(
                    "curl",
                    ["--silent", "--show-error", "--header", "Authorization: Bearer \(server.key)"] + arguments,
                    environment: ["NO_PROXY": "127.0.0.1"], name: "curl", in: scratch)
                #expect(try await process.end() == .exited(0), "\(process.errors)")
                let object = try JSONSerialization.jsonObject(with: Data(process.output.utf8))
                return try #require(object as? [String: Any], "\(process.output)")
            }
            let input = try scratch.write(
                (1...2).map {
                    #"{"custom_id":"\#($0)","method":"POST","url":"/v1/chat/ds-test","#
                        + #""body":{"model":"batch-test-model","messages":[{"role":"user","content":"你好!"}]}}"# + "\n"
                }.joined(), to: "test.jsonl")
            let file = try await curl(
                ["--request", "POST", base + "/files", "--form", "file=@\"\(input)\"", "--form", "purpose=\"batch\""])
            let fileID = try #require(file["id"] as? String)
            #expect(fileID.hasPrefix("file-batch-") && file["status"] as? String == "processed")
            let json = """
                {"input_file_id":"\(fileID)","endpoint":"/v1/chat/ds-test","completion_window":"14d",
                "metadata":{"ds_name":"任务名称","ds_description":"任务描述"}}
                """
            let batch = try await curl(
                ["--request", "POST", base + "/batches", "--header", "Content-Type: application/json", "--data", json])
            let id = try #require(batch["id"] as? String, "\(batch)")
            #expect(batch["completion_window"] as? String == "14d")
            #expect(try await server.end(of: id).status == "completed")
            let found = try await curl(["--request", "GET", base + "/batches/" + id])
            let output = try #require(found["output_file_id"] as? String)
            #expect(output.hasPrefix("file-batch_output-"))
            let list = try await curl([
                "--get", base + "/batches", "--data-urlencode", "ds_name=任务", "--data",
                "status=completed,expired&input_file_ids=\(fileID)&limit=2&create_after=20250304000000",
            ])
            #expect((list["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == [id])
            let results = scratch.path("result.jsonl")
            let download = try ChildProcess(
                "curl",
                [
                    "--silent", "--fail", "--header", "Authorization: Bearer \(server.key)", "--output", results,
                    base + "/files/\(output)/content",
                ], environment: ["NO_PROXY": "127.0.0.1"], name: "curl", in: scratch)
            #expect(try await download.end() == .exited(0))
            let lines = String(decoding: try scratch.read("result.jsonl"), as: UTF8.self).split(separator: "\n")
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains("This is a test result.") })
            let refused = try await curl(["--request", "POST", base + "/batches/\(id)/cancel"])
            #expect((refused["error"] as? [String: Any])?["message"] as? String != nil)
        }
    }

    @Test func `has a path that batchctl takes as its server`() async throws {
        try await withScratch { scratch in
            let server = try await Standalone.start(in: scratch).server
            func batchctl(_ arguments: [String]) async throws -> Batchctl {
                try await Batchctl.run(
                    arguments + ["--url", server.url + Self.prefix, "--api-key", server.key], server: nil, in: scratch)
            }
            let csv = try scratch.write("1,你好\n2,What is 2+2?\n", to: "in.csv")
            let input = scratch.path("in.jsonl")
            let converted = try await Batchctl.run(
                [
                    "convert", "csv-to-jsonl", csv, input, "--model", "batch-test-model", "--endpoint",
                    "/v1/chat/ds-test",
                ], server: nil, in: scratch)
            #expect(converted.status == 0, "\(converted.errors)")
            let results = scratch.path("results.jsonl")
            let submitted = try await batchctl(["submit", input, "--watch", "-o", results])
            #expect(submitted.status == 0, "\(submitted.errors)")
            let id = try #require(
                submitted.output.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("batch_") })
            let status = try await batchctl(["status", String(id)])
            #expect(status.status == 0 && status.output.contains("file-batch_output-"), "\(status.output)")
            #expect(try await batchctl(["list"]).output.contains(id))
            let table = try await Batchctl.run(["convert", "jsonl-to-csv", results, "-"], server: nil, in: scratch)
            #expect(table.output.split(whereSeparator: \.isNewline).count == 3)
            #expect(table.output.contains("This is a test result."))
        }
    }

    @Test func `has callbacks that tell the whole batch`() async throws {
        try await withScratch { scratch in
            let kept = Mutex<[ScriptedRequest]>([])
            let receiver = try ScriptedServer { request, connection in
                kept.withLock { $0.append(request) }
                try connection.respond(200, text: "")
            }
            let server = try await Standalone.start(in: scratch, arguments: ["--set", "outbound.allow=127.0.0.1"])
                .server
            let line =
                #"{"custom_id":"1","method":"POST","url":"/v1/chat/ds-test","body":{"model":"batch-test-model","#
                + #""messages":[]}}"#
            let file = try await server.uploadBatchFile(Array(line.utf8))
            let json = """
                {"input_file_id":"\(file)","endpoint":"/v1/chat/ds-test","completion_window":"24h",
                "metadata":{"ds_batch_finish_callback":"\(receiver.url("/done"))"}}
                """
            let batch = try await server.post(Self.prefix + "/batches", json: json).decode(BatchView.self)
            let request = try await eventually("the callback") { kept.withLock { $0.first } }
            let told = try JSONDecoder().decode(BatchView.self, from: Data(request.body))
            #expect(told == (try await server.batch(batch.id)) && told.status == "completed")
            #expect(told.output_file_id?.hasPrefix("file-batch_output-") ?? false)
        }
    }
}
