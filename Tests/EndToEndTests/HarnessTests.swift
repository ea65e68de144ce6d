// SPDX-License-Identifier: Apache-2.0

import ServerTesting
import Testing

/// The scripted backend and the checker are trusted by all other tests; here they have to earn it.
@Suite struct HarnessTests {
    @Test func `the scripted backend does its steps in order and counts its calls`() async throws {
        try await withScratch { scratch in
            let backend = try await Backend.scripted(in: scratch)
            let server = try ServerAddress(url: backend.baseURL.replacing("/v1", with: ""), key: "k")
            let json = #"{"model":"m","script":{"nonce":"n","steps":["429 retry-after=1","500","ok"]}}"#
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await server.post("/v1/chat/completions", json: json).status) }
            #expect(statuses == [429, 500, 200, 200])
            #expect(try await backend.stats().calls == 4)
            try await backend.override(step: "503 retry-after=2")
            let answer = try await server.post("/v1/chat/completions", json: json)
            #expect(answer.status == 503 && answer.headers["retry-after"] == "2")
        }
    }

    @Test func `the checker accepts a faithful result and finds every kind of fault`() async throws {
        try await withScratch { scratch in
            let file = BatchFile(lines: 4)
            let lines = file.text.split(separator: "\n").map(String.init)
            let bodies = (0..<4).map { #"{"nonce":"n-\#($0)","odd":[1e-7,12345678901234567890]}"# }
            let faithful = (0..<4).map { Self.result($0, body: bodies[$0]) }
            let log = (0..<4).flatMap { number -> [String] in
                let request = lines[number].split(separator: "\"body\":", maxSplits: 1)[1].dropLast()
                return [
                    Self.entry("received", number, "request", String(request)),
                    Self.entry("answered", number, "response", bodies[number]),
                ]
            }
            #expect(try await check(faithful, file, log, in: scratch) == .exited(0))
            func replacingLast(_ line: String) -> [String] { Array(faithful.dropLast()) + [line] }
            let lost: [String] = faithful.dropLast()
            let doubled: [String] = faithful + [faithful[3]]
            let swapped: [String] = [1, 0, 2, 3].map { faithful[$0] }
            let faults: [[String]] = [
                lost, doubled, swapped, replacingLast(Self.result(3, body: bodies[2])),
                replacingLast(faithful[3].replacing("1e-7", with: "1e-07")),
                replacingLast(faithful[3].replacing("id-3", with: "id-9")),
                replacingLast(faithful[3].replacing("200", with: "500")),
            ]
            for fault in faults {
                let end = try await check(fault, file, log, in: scratch)
                #expect(end == .exited(1))
            }
            let altered = log.map { $0.replacing("Frage 2", with: "Frage  2") }
            #expect(try await check(faithful, file, altered, in: scratch) == .exited(1))
        }
    }

    private static func result(_ number: Int, body: String) -> String {
        let response = #"{"status_code":200,"request_id":"r","body":\#(body)}"#
        let head = #""id":"batch_req_\#(number)","custom_id":"id-\#(number)-ä\u00e9""#
        return "{\(head),\"response\":\(response),\"error\":null}"
    }

    private static func entry(_ event: String, _ number: Int, _ name: String, _ text: String) -> String {
        let quoted = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return #"{"event":"\#(event)","nonce":"n-\#(number)","status":200,"step":"ok","\#(name)":"\#(quoted)"}"#
    }

    private func check(
        _ results: [String], _ file: BatchFile, _ log: [String], in scratch: Scratch
    ) async throws -> ChildProcess.End? {
        let input = try scratch.write(file.text, to: "in")
        let output = try scratch.write(results.joined(separator: "\n") + "\n", to: "out")
        let logPath = try scratch.write(log.joined(separator: "\n") + "\n", to: "log")
        let process = try ChildProcess(
            Products.python(),
            [Products.script("check_results.py"), "--input", input, "--output", output, "--log", logPath],
            name: "check", in: scratch)
        return try await process.end()
    }
}
