// SPDX-License-Identifier: Apache-2.0

import BatchCore
import Foundation
import ServerTesting
import Testing

@testable import batchctl

@Suite struct `Names that are shown` {
    @Test(arguments: [
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000"), ("https://user:pa@ss@host/v1?key=1", "host"),
        ("http://[::1]:1", "[::1]:1"), ("http://", "the inference server"),
    ])
    func `a server's name has no user and no password`(url: String, name: String) {
        #expect(ServerName.of(url) == name)
    }

    @Test func `a row of commas is blank`() {
        #expect(CSVRecord(line: 1, fields: [[], [], []]).isBlank && CSVRecord(line: 1, fields: [[]]).isBlank)
        #expect(!CSVRecord(line: 1, fields: [[], [0x20]]).isBlank)
    }
}

@Suite struct `Columns of results` {
    private func row(_ line: String) throws -> [String: String] {
        let fields = try Array(line.utf8).withUnsafeBytes { bytes throws(JSONFault) in try ResultFields(bytes) }
        let values = fields.row.map { String(decoding: $0, as: UTF8.self) }
        return Dictionary(uniqueKeysWithValues: zip(ResultFields.names, values)).filter { !$0.value.isEmpty }
    }

    @Test func `are found in a success`() throws {
        #expect(
            try row(
                #"{"id":"r","custom_id":"1\u9898","response":{"status_code":200,"request_id":"q","body":{"created":17,"#
                    + #""usage":{"total_tokens":3},"model":"m","id":"c","choices":[{"index":0,"message":{"content":"#
                    + #""a\n\"b\"","role":"assistant"}},{"message":{"content":"second"}}]}},"error":null}"#)
                == [
                    "custom_id": "1题", "model": "m", "request_id": "q", "status_code": "200", "created": "17",
                    "content": "a\n\"b\"", "usage": #"{"total_tokens":3}"#,
                ])
    }

    @Test(arguments: [
        #"{"custom_id":"1","response":null,"error":{"code":"c","message":"m","error_code":"c","error_message":"m"}}"#,
        #"{"custom_id":"1","response":null,"error":{"code":"c","message":"m"}}"#,
        #"{"custom_id":"1","response":{"body":{"error":{"code":"c","message":"m"}}},"error":null}"#,
        #"{"custom_id":"1","response":{"body":null},"error":{"error":{"message":"m","type":"t","code":"c"}}}"#,
    ])
    func `are found in errors of every form`(line: String) throws {
        #expect(try row(line) == ["custom_id": "1", "error_code": "c", "error_message": "m"])
    }

    @Test func `are found in vLLM's forms`() throws {
        #expect(
            try row(#"{"custom_id":"1","response":null,"error":"it broke"}"#)
                == ["custom_id": "1", "error_message": "it broke"])
        #expect(
            try row(
                #"{"id":"vllm-1","custom_id":"1","response":{"id":"c","model":"m","created":5,"choices":"#
                    + #"[{"text":"old"}],"usage":{"a":1}},"error":null}"#)
                == ["custom_id": "1", "model": "m", "created": "5", "content": "old", "usage": #"{"a":1}"#])
    }

    @Test(arguments: ["[]", "x", "{", #"{"custom_id":"1"} {}"#]) func `are not found elsewhere`(line: String) {
        #expect(throws: JSONFault.self) { try row(line) }
    }
}

@Suite struct `batchctl convert` {
    private func run(_ arguments: [String], in scratch: Scratch) async throws -> Batchctl {
        try await Batchctl.run(["convert"] + arguments, server: nil, in: scratch)
    }

    @Test func `makes requests of a spreadsheet`() async throws {
        try await withScratch { scratch in
            let csv = try scratch.write(
                "1,\"你好!\n\"\"有什么\"\"\"\r\n\r\nid 2,What is 2+2?,ignored\r\n", to: "in.csv")
            let made = try await run(
                ["csv-to-jsonl", csv, scratch.path("out.jsonl"), "--model", "qwen-turbo"], in: scratch)
            #expect(made.status == 0 && made.errors.contains("wrote 2 requests"), "\(made.errors)")
            let system = #"{"role":"system","content":"You are a helpful assistant."}"#
            func line(_ id: String, _ content: String) -> String {
                #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"qwen-turbo","#
                    + #""messages":[\#(system),{"role":"user","content":"\#(content)"}]}}"# + "\n"
            }
            #expect(
                String(decoding: try scratch.read("out.jsonl"), as: UTF8.self)
                    == line("1", #"你好!\n\"有什么\""#) + line("id 2", "What is 2+2?"))
            let checked = try await Batchctl.run(["validate", scratch.path("out.jsonl")], server: nil, in: scratch)
            #expect(checked.status == 0, "\(checked.output)")
            let embeddings = try await run(
                ["csv-to-jsonl", csv, "-", "--model", "e", "--endpoint", "/v1/embeddings", "--skip-header"], in: scratch
            )
            #expect(
                embeddings.output
                    == #"{"custom_id":"id 2","method":"POST","url":"/v1/embeddings","body":{"model":"e","input":"#
                    + #""What is 2+2?"}}"# + "\n")
        }
    }

    @Test func `reads and writes what spreadsheet programs understand`() async throws {
        try await withScratch { scratch in
            let gbk: [UInt8] = [0x31, 0x2C, 0xC4, 0xE3, 0xBA, 0xC3, 0x0D, 0x0A]
            let path = scratch.path("in.csv")
            try Data(gbk).write(to: URL(fileURLWithPath: path))
            let made = try await run(
                ["csv-to-jsonl", path, "-", "--model", "m", "--system", "", "--encoding", "gbk"], in: scratch)
            #expect(made.output.contains(#"[{"role":"user","content":"你好"}]"#), "\(made.errors)")
            let wrong = try await run(["csv-to-jsonl", path, scratch.path("x"), "--model", "m"], in: scratch)
            #expect(wrong.status == 8 && wrong.errors.contains("in.csv:1:3: the bytes here are no character in utf-8"))
            #expect(wrong.errors.contains("gbk") && !FileManager.default.fileExists(atPath: scratch.path("x")))
            try Data(TextEncoding.mark + Array("1,a\n".utf8)).write(to: URL(fileURLWithPath: path))
            let marked = try await run(["csv-to-jsonl", path, "-", "--model", "m"], in: scratch)
            #expect(marked.output.hasPrefix(#"{"custom_id":"1","#))
            let result =
                #"{"custom_id":"1","response":{"body":{"choices":[{"message":{"content":"你好"}}]}},"error":null}"#
            let lines = try scratch.write(result + "\n", to: "r.jsonl")
            for (name, bytes) in [("gbk", gbk[2...5]), ("utf-8-bom", Array("你好".utf8)[...])] {
                let out = scratch.path("\(name).csv")
                #expect(try await run(["jsonl-to-csv", lines, out, "--encoding", name], in: scratch).status == 0)
                let written = try scratch.read("\(name).csv")
                #expect(written.starts(with: TextEncoding.mark) == (name == "utf-8-bom"))
                #expect(written.suffix(bytes.count + 3) == bytes + Array(",\r\n".utf8))
            }
            let rich = try scratch.write(result + "\n" + result.replacing("你好", with: "😀") + "\n", to: "e.jsonl")
            let poor = try await run(["jsonl-to-csv", rich, scratch.path("e.csv"), "--encoding", "gbk"], in: scratch)
            #expect(poor.status == 8 && poor.errors.contains("e.jsonl:2: ") && poor.errors.contains("U+1F600"))
            #expect(!FileManager.default.fileExists(atPath: scratch.path("e.csv")))
        }
    }

    @Test func `names the place of what is wrong, and leaves nothing half-written`() async throws {
        try await withScratch { scratch in
            let cases = [
                ("1,a\n2\n", "in.csv:2: the record has one field"), ("1,a\n,b\n", "in.csv:2:1: the first field"),
                ("1,\"a\n", "in.csv:1:3: the field that begins here has no closing quote"),
                ("1,\"a\"b\n", "in.csv:1:6: a comma or the end"),
            ]
            for (text, message) in cases {
                let path = try scratch.write(text, to: "in.csv")
                let made = try await run(["csv-to-jsonl", path, scratch.path("out"), "--model", "m"], in: scratch)
                #expect(made.status == 8 && made.errors.contains(message), "\(made.errors)")
            }
            let lines = try scratch.write("{\"custom_id\":\"1\"}\n\nnot json\n", to: "in.jsonl")
            let made = try await run(["jsonl-to-csv", lines, scratch.path("out")], in: scratch)
            #expect(made.status == 8 && made.errors.contains("in.jsonl:3: the line is no JSON object"))
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path("."))
            #expect(!left.contains { $0.hasPrefix("out") })
        }
    }

    @Test func `reads and writes pipes`() async throws {
        try await withScratch { scratch in
            let input = try scratch.write("1,a\n2,\"b\n\"\n", to: "in.csv")
            let program = try Products.program("batchctl")
            let pipe = try ChildProcess(
                "bash",
                [
                    "-c",
                    "cat '\(input)' | '\(program)' convert csv-to-jsonl - - --model m | tail -n 1 | "
                        + "'\(program)' convert jsonl-to-csv - -",
                ], name: "pipe", in: scratch)
            #expect(try await pipe.end() == .exited(0))
            #expect(pipe.output == ResultFields.names.joined(separator: ",") + "\r\n2,,,,,,,,\r\n")
            #expect(pipe.errors.contains("wrote 2 requests to standard output"), "\(pipe.errors)")
        }
    }

    @Test func `replaces an existing file only when told to`() async throws {
        try await withScratch { scratch in
            let input = try scratch.write("1,a\n", to: "in.csv")
            let output = try scratch.write("precious", to: "out.jsonl")
            let arguments = ["csv-to-jsonl", input, output, "--model", "m"]
            let refused = try await run(arguments, in: scratch)
            #expect(refused.status == 7 && refused.errors.contains("--force"))
            #expect(try scratch.read("out.jsonl") == Array("precious".utf8))
            #expect(try await run(arguments + ["--force"], in: scratch).status == 0)
            #expect(try scratch.read("out.jsonl").starts(with: Array("{".utf8)))
            #expect(try await run(["csv-to-jsonl", input, input, "--model", "m", "--force"], in: scratch).status == 7)
            #expect(try scratch.read("in.csv") == Array("1,a\n".utf8))
            #expect(try await run(["csv-to-jsonl", scratch.path("no"), "-", "--model", "m"], in: scratch).status == 7)
            #expect(try await run(["csv-to-jsonl", input, "-"], in: scratch).status == 64)
        }
    }
}
