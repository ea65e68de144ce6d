// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BatchCore

@Suite struct `A file's thinking mode` {
    private func rules(_ profile: Profile = .bailian) -> LineRules {
        LineRules(
            endpoint: "/v1/chat/completions", profile: profile, limits: Limits().of(profile), knowsModel: { _ in true })
    }

    /// A file with one line for each of `modes`: JSON of the body's first members, or nothing.
    private func file(_ modes: [String]) -> [UInt8] {
        modes.enumerated().flatMap { index, mode in
            Array(
                (#"{"custom_id":"\#(index)","method":"POST","url":"/v1/chat/completions","body":{\#(mode)"#
                    + #""model":"m","messages":[]}}"# + "\n").utf8)
        }
    }

    private func problems(_ modes: [String], _ profile: Profile = .bailian) throws -> [LineProblem] {
        try validate(file(modes), rules: rules(profile)).verdict.problems
    }

    private let on = #""enable_thinking":true,"#
    private let off = #""enable_thinking":false,"#
    private let none = ""

    @Test func `is on, or off, or not mentioned, in every line alike`() throws {
        #expect(try problems([on, on, on]).isEmpty)
        #expect(try problems([off, none, #""enable_thinking":null,"#, off]).isEmpty)
        #expect(try problems([none, none]).isEmpty)
    }

    @Test func `that differs is refused with both lines named, absent meaning off`() throws {
        for modes in [[off, off, on], [none, none, on]] {
            let found = try problems(modes)
            #expect(found.map(\.code) == ["mismatched_thinking_mode"])
            #expect(found.first?.line == 3 && found.first?.param == "body.enable_thinking")
            #expect(found.first?.message.contains("Line 3 has thinking on") ?? false)
            #expect(found.first?.message.contains("line 1 has it off") ?? false)
        }
        let found = try problems([on, none, on, off])
        #expect(found.map(\.line) == [2, 4])
        #expect(found.first?.message.contains("Line 2 has thinking off") ?? false)
    }

    @Test func `is a boolean, and looked at in Bailian's manner only`() throws {
        let odd = #""enable_thinking":"yes","#
        let found = try problems([odd])
        #expect(found.map(\.code) == ["invalid_request"] && found.first?.param == "body.enable_thinking")
        #expect(try problems([odd, on, none], .openAI).isEmpty)
    }

    @Test func `is read where it stands in the body, escapes resolved, the later one of two`() throws {
        #expect(try problems([#""enable\u005fthinking":true,"#, on]).isEmpty)
        #expect(try problems([#""x":{"enable_thinking":false},"enable_thinking":true,"#, on]).isEmpty)
        #expect(try problems([#""enable_thinking":false,"enable_thinking":true,"#, on]).isEmpty)
    }

    @Test func `does not concern streaming, which passes in Bailian's manner`() throws {
        #expect(try problems([#""stream":true,"#, none]).isEmpty)
        #expect(try problems([#""stream":true,"#], .openAI).map(\.code) == ["streaming_unsupported"])
    }

    @Test func `rules come with ids of 256 characters at most, whatever their bytes`() throws {
        func named(_ id: String) throws -> [LineProblem] {
            let line =
                #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","#
                + #""body":{"model":"m","messages":[]}}"#
            return try validate(Array(line.utf8), rules: rules()).verdict.problems
        }
        #expect(try named(String(repeating: "题", count: 256)).isEmpty)
        #expect(try named(String(repeating: "😀", count: 256)).isEmpty)
        #expect(try named(String(repeating: "a", count: 257)).map(\.param) == ["custom_id"])
    }
}
