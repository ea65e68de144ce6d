// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct MixedLinesTests {
    private let rules = LineRules(endpoint: "*", allowed: .standard, knowsModel: { $0 != "unknown" })

    private func verdict(
        _ lines: [String], _ rules: LineRules, accept: (AcceptedLine, UnsafeRawBufferPointer) -> Void = { _, _ in }
    ) throws -> FileVerdict {
        var limits = FileLimits()
        limits.embeddingInputsMax = 3
        var validator = FileValidator(rules: rules, limits: limits, key: HashKey(low: 1, high: 2)) { _, _ in [] }
        try utf8(lines.joined(separator: "\n")).withUnsafeBytes { try validator.feed($0, accept: accept) }
        return try validator.finish(accept: accept)
    }

    private func line(_ id: Int, _ url: String, _ body: String) -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"\#(url)","body":\#(body)}"#
    }

    private var mixed: [String] {
        [
            line(1, "/v1/chat/completions", #"{"model":"chat","messages":[]}"#),
            line(2, "/v1/embeddings", #"{"model":"embed","input":["a","b","c"]}"#),
            line(3, "/score", #"{"model":"rank","text_1":"a","text_2":["b"]}"#),
            line(4, "/v2/rerank", #"{"model":"rank","query":"q","documents":["d"]}"#),
            line(5, "/v1/audio/transcriptions", #"{"model":"ear","file_url":"HTTPS://h/a.wav"}"#),
            line(6, "/v1/responses", #"{"model":"chat","input":["not","counted"]}"#),
            line(7, "/v1/audio/translations", #"{"model":"ear","file_url":"data:audio/wav;base64,AA=="}"#),
        ]
    }

    @Test func `lines of a mixed batch name their own paths and models, and packs keep both`() throws {
        var builder = LinePackBuilder()
        let verdict = try verdict(mixed, rules) { line, bytes in
            let route = LineRoute(url: EndpointList.standard.paths[line.endpoint ?? -1], model: line.model ?? "")
            builder.append(line, bytes, route: route)
        }
        #expect(verdict.problems == [] && verdict.model == nil && verdict.embeddingInputs == 3)
        let pack = try LinePack(builder.finish())
        let routes = pack.lines.map { pack.routes[$0.endpoint ?? -1] }
        #expect(routes.map(\.model) == ["chat", "embed", "rank", "rank", "ear", "chat", "ear"])
        #expect(
            routes.map(\.url) == [
                "/v1/chat/completions", "/v1/embeddings", "/score", "/v2/rerank", "/v1/audio/transcriptions",
                "/v1/responses", "/v1/audio/translations",
            ])
        #expect(String(decoding: pack.lines[2].body, as: UTF8.self).hasPrefix(#"{"model":"rank","text_1""#))
        // The next pack has routes of its own.
        #expect(try LinePack(builder.finish()).routes.isEmpty)
    }

    @Test func `one model in all lines is the batch's, whatever the paths`() throws {
        let lines = [
            line(1, "/v1/chat/completions", #"{"model":"m","messages":[]}"#),
            line(2, "/v1/embeddings", #"{"model":"m","input":"a"}"#),
        ]
        #expect(try verdict(lines, rules).model == "m")
    }

    @Test func `problems of a mixed batch name line and field`() throws {
        let lines = [
            line(1, "/v1/nowhere", #"{"model":"m"}"#),
            line(2, "/v1/embeddings", #"{"model":"m","input":["a","b","c","d"]}"#),
            line(3, "/rerank", #"{"model":"m"}"#),
            line(4, "/v1/audio/transcriptions", #"{"model":"m"}"#),
            line(5, "/v1/audio/transcriptions", #"{"model":"m","file":"x","file_url":"s3://b/k"}"#),
            line(6, "/v1/audio/transcriptions", #"{"model":"unknown","file_url":7}"#),
            line(7, "*", #"{"model":"m"}"#),
        ]
        let found = try verdict(lines, rules).problems.map { "\($0.line ?? 0) \($0.code) \($0.param ?? "-")" }
        #expect(
            found == [
                "0 too_many_requests body.input", "1 invalid_url url", "3 invalid_request body.query",
                "3 invalid_request body.documents", "4 invalid_request body.file_url", "5 invalid_request body.file",
                "5 invalid_request body.file_url", "6 model_not_found body.model", "6 invalid_request body.file_url",
                "7 invalid_url url",
            ])
    }

    @Test func `an ordinary batch keeps to its one path and model`() throws {
        let rules = LineRules(endpoint: "/score", allowed: .standard, knowsModel: { _ in true })
        let found = try verdict([mixed[2], mixed[3]], rules).problems
        #expect(found.map(\.code) == ["invalid_url"])
        let models = [line(1, "/score", #"{"model":"a"}"#), line(2, "/score", #"{"model":"b"}"#)]
        #expect(try verdict(models, rules).problems.map(\.code) == ["mismatched_model"])
    }

    @Test func `a damaged pack with routes is refused, never trusted`() throws {
        var builder = LinePackBuilder()
        _ = try verdict(mixed, rules) { line, bytes in
            builder.append(line, bytes, route: LineRoute(url: "/v1/x\(line.ordinal)", model: "m"))
        }
        let frame = builder.finish()
        #expect(frame.first == LinePack.versionWithRoutes && (try? LinePack(frame)) != nil)
        for count in 0..<frame.count {
            #expect(throws: PackFault.self) { _ = try LinePack(Array(frame.prefix(count))) }
        }
        #expect(throws: PackFault.self) { _ = try LinePack(frame + [0]) }
        // The same lines without their routes are no pack of the first version for others to misread.
        #expect(throws: PackFault.self) { _ = try LinePack([1] + frame.dropFirst()) }
    }
}
