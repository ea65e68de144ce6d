// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Curl
import Foundation
import Glibc
import Loops
import ServerTesting
import Testing

@testable import BatchRun

struct RequestTests {
    private func input(_ text: String, in scratch: Scratch) throws -> InputFile {
        let path = try scratch.write(text, to: "in.jsonl")
        return try InputFile(OpenFile(path, flags: O_RDONLY), name: "in.jsonl")
    }

    private func check(_ text: String, model: String? = nil, limits: RunLimits = RunLimits()) async throws
        -> [String]
    {
        try await withScratch { scratch in
            let check = InputCheck(
                rules: RunRules(model: model), limits: limits, stop: StopFlag(), board: ProgressBoard())
            do {
                _ = try check.run(input(text, in: scratch))
                return []
            } catch let error as RunError {
                return error.problems.map { "\($0.line ?? 0) \($0.code) \($0.param ?? "-")" }
            }
        }
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"{"model":"m\"","a":1}"#), (#"{}"#, #"{"model":"m\""}"#),
        ("{ \t}", "{\"model\":\"m\\\"\" \t}"), (#"{ "a":1e-7}"#, #"{"model":"m\"", "a":1e-7}"#),
    ])
    func `a model goes into a body that names none, and nothing else changes`(body: String, sent: String) {
        #expect(String(decoding: RequestReader.body(Array(body.utf8), naming: "m\""), as: UTF8.self) == sent)
        #expect(RequestReader.body(Array(body.utf8), naming: nil) == Array(body.utf8))
    }

    @Test func `lines keep their order and bytes through blank lines, CRLF and pieces of any size`() async throws {
        try await withScratch { scratch in
            let bodies = (0..<3_000).map { number in
                #"{"model":"m\#(number % 3)","messages":[],"x":"\#(String(repeating: "ä", count: number % 400))"}"#
            }
            let text = bodies.enumerated().map { number, body in
                (number % 7 == 0 ? "\r\n  \n" : "") + line("id-\(number)", body: body)
                    + (number % 5 == 0 ? "\r\n" : "\n")
            }.joined()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_000, alignment: 1)
            defer { buffer.deallocate() }
            var reader = RequestReader(try input("\u{FEFF}" + text, in: scratch), model: nil, limits: RunLimits())
            var found: [RequestItem] = []
            while !reader.isAtEnd { found += try reader.next(buffer) { $0 % 11 != 0 } }
            let wanted = (0..<3_000).filter { $0 % 11 != 0 }
            #expect(found.map(\.ordinal) == wanted)
            #expect(
                found.map { $0.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
                    == wanted.map { bodies[$0] })
            #expect(found.map(\.customID) == wanted.map { Array("\"id-\($0)\"".utf8) })
            #expect(found.map(\.model) == wanted.map { "m\($0 % 3)" })
        }
    }

    @Test func `every problem of a file is found before anything is sent, under its physical line`() async throws {
        let text = file([
            chat("a"), "", "{nope", chat("a"), chat("b", model: nil),
            line("c", url: "/v1/embeddings", body: #"{"model":"m"}"#),
            line("d", url: "/v1/what", body: #"{"model":"m"}"#),
            line("e", url: "/v1/audio/transcriptions", body: #"{"model":"m","file":"x"}"#),
            line("f", url: "/v1/audio/translations", body: #"{"model":"m"}"#),
            line("g", url: "/v1/audio/translations", body: #"{"model":"m","file_url":"data:,x"}"#),
            chat("h", model: "other"), line("i", url: "/rerank", body: #"{"model":"m"}"#),
        ])
        #expect(
            try await check(text) == [
                "3 invalid_json_line -", "4 duplicate_custom_id custom_id", "5 invalid_request body.model",
                "6 invalid_request body.input", "8 invalid_request body.file", "8 invalid_request body.file_url",
                "9 invalid_request body.file_url", "12 invalid_request body.query", "12 invalid_request body.documents",
            ])
        #expect(
            try await check(file([chat("a"), chat("b", model: nil), chat("c", model: "x")]), model: "m")
                == ["3 mismatched_model body.model"])
        #expect(try await check("\n \n") == ["0 empty_file -"])
    }

    @Test func `more problems than are listed are counted`() async throws {
        var limits = RunLimits()
        limits.problemsMax = 3
        let found = try await check(file(Array(repeating: "{", count: 10)), limits: limits)
        #expect(found == ["1 invalid_json_line -", "2 invalid_json_line -", "0 problems_cut -"])
    }
}
