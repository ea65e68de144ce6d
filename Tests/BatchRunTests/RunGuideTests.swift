// SPDX-License-Identifier: Apache-2.0
import BatchFiles
import Curl
import HTTPTesting
import ServerTesting
import StorageTesting
import Testing

/// The numbered examples of vLLM's guide to `run-batch`, with host and paths changed.
struct RunGuideTests {
    private static let model = "meta-llama/Meta-Llama-3-8B-Instruct"

    private static let example =
        file(
            ["request-1", "request-2"].map { id in
                let role = id == "request-1" ? "a helpful" : "an unhelpful"
                return #"{"custom_id": "\#(id)", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "#
                    + #""\#(model)", "messages": [{"role": "system", "content": "You are \#(role) assistant."},"#
                    + #"{"role": "user", "content": "Hello world!"}],"max_completion_tokens": 1000}}"#
            })

    private func expectBoth(_ rig: RunRig, _ name: String = "out.jsonl") throws {
        let results = try rig.results(name)
        #expect(results.map(\.custom_id) == ["request-1", "request-2"])
        #expect(results.allSatisfy { $0.response?.status_code == 200 && $0.id.hasPrefix("vllm-") })
        #expect(results.allSatisfy { $0.response?.request_id.hasPrefix("vllm-batch-") == true })
    }

    @Test func `example 1: a local file, under both names of the command`() async throws {
        try await withRun { rig, backend in
            let input = try rig.scratch.write(Self.example, to: "openai_example_batch.jsonl")
            let run = try await rig.run(input, to: "results.jsonl", "--model", Self.model, "--format", "vllm")
            #expect(run.status == 0, "\(run.errors)")
            try expectBoth(rig, "results.jsonl")
            let alias = try await Batchctl.run(
                [
                    "run-batch", "-i", input, "-o", rig.scratch.path("out.jsonl"), "--model", Self.model,
                    "--format", "vllm",
                ], server: nil, environment: ["OPENAI_BASE_URL": rig.url], in: rig.scratch)
            #expect(alias.status == 0, "\(alias.errors)")
            try expectBoth(rig)
            #expect(try await backend.stats().calls == 4)
        }
    }

    @Test func `example 2: an input behind an HTTP URL, through a redirect and a broken connection`() async throws {
        try await withRun { rig, _ in
            let bytes = Array(Self.example.utf8)
            let cut = bytes.count / 2
            let server = try ScriptedServer { request, connection in
                if request.target == "/raw" {
                    return try connection.respond(302, headers: [("Location", "/file")], text: "")
                }
                guard let range = request.header("Range") else {
                    try connection.send(
                        "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: \(bytes.count)\r\n\r\n")
                    try connection.send(Array(bytes[..<cut]))
                    return connection.reset()
                }
                let from = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" }) ?? 0
                try connection.respond(
                    206,
                    headers: [
                        ("ETag", "\"one\""), ("Content-Range", "bytes \(from)-\(bytes.count - 1)/\(bytes.count)"),
                    ], text: String(decoding: bytes[from...], as: UTF8.self))
            }
            let run = try await rig.run(server.url("/raw"), "--model", Self.model, "--format", "vllm")
            #expect(run.status == 0, "\(run.errors)")
            try expectBoth(rig)
            #expect(try rig.leftovers(but: "out.jsonl").isEmpty)
        }
    }

    @Test func `example 3: presigned URLs of a real object store for input and output`() async throws {
        try await withRun { rig, _ in
            let engine = CurlEngine(EngineConfiguration())
            let endpoint = try S3Endpoint(
                url: PrivateStore.shared().url, region: PrivateStore.region, usesPathStyle: true)
            let client = S3Client(
                S3Configuration(
                    endpoint: endpoint, bucket: PrivateStore.freshBucket(),
                    credentials: S3Credentials(
                        accessKey: PrivateStore.accessKey, secretKey: PrivateStore.secretKey)),
                engine: engine)
            try await client.createBucket()
            _ = try await client.put("MY_INPUT_FILE.jsonl", SharedBytes(Array(Self.example.utf8)))
            // The guide's command line says --model twice.
            let run = try await Batchctl.run(
                [
                    "run-batch", "-i", client.presignedURL("GET", "MY_INPUT_FILE.jsonl", validFor: 3_600),
                    "-o", client.presignedURL("PUT", "MY_OUTPUT_FILE.jsonl", validFor: 3_600),
                    "--model", "--model", Self.model, "--base-url", rig.url, "--format", "vllm",
                    "--tmp-dir", rig.scratch.path("."),
                ], server: nil, in: rig.scratch)
            #expect(run.status == 0, "\(run.errors)")
            #expect(!(run.errors + run.output).contains("Signature"), "a permission was shown")
            let download = try await client.get("MY_OUTPUT_FILE.jsonl")
            var bytes: [UInt8] = []
            while let piece = try await download.next() { bytes += piece }
            _ = try rig.scratch.write(String(decoding: bytes, as: UTF8.self), to: "fetched.jsonl")
            try expectBoth(rig, "fetched.jsonl")
            #expect(try rig.leftovers(but: "fetched.jsonl").allSatisfy { $0.hasSuffix(".jsonl.sent") })
            await engine.shutdown()
        }
    }

    @Test func `examples 4 and 5, and all of them mixed: every path goes where it belongs`() async throws {
        try await withScratch { scratch in
            let paths = [
                "/v1/embeddings", "/v1/score", "/score", "/v1/rerank", "/v2/rerank", "/rerank", "/v1/completions",
                "/v1/responses", "/v1/chat/completions",
            ]
            let server = try ScriptedServer { request, connection in
                try connection.respond(text: #"{"path":"\#(request.target)"}"#)
            }
            // With a version and without, the paths are the same.
            for base in ["/v1", "/v1/", ""] {
                let rig = RunRig(scratch: scratch, url: server.url(base))
                let bodies = [
                    "/v1/embeddings": #"{"model": "intfloat/e5-mistral-7b-instruct", "input": "You are helpful."}"#,
                    "/v1/score": #"{"model": "BAAI/bge-reranker-v2-m3", "text_1": "What?", "text_2": ["a", "b"]}"#,
                ]
                let other = #"{"model":"m","messages":[],"input":"i","prompt":"p","query":"q","documents":["d"]}"#
                let lines = paths.map { path in line("id\(path)", url: path, body: bodies[path] ?? other) }
                let input = try scratch.write(file(lines + [line("x", url: "/v1/images", body: other)]), to: "in.jsonl")
                let run = try await rig.run(input, "--force", "--format", "vllm")
                #expect(run.status == 6, "\(run.errors)")
                let found = try rig.lines()
                #expect(found.count == paths.count + 1)
                for (text, path) in zip(found, paths) { #expect(text.contains(#""body":{"path":"\#(path)"}}"#)) }
                #expect(found.last?.contains(#""error":"URL /v1/images was used. Supported endpoints: "#) == true)
            }
        }
    }
}
