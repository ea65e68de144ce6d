// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPTesting
import ServerTesting

/// A folder and a base URL for runs of the real program.
struct RunRig {
    /// Where files go.
    let scratch: Scratch
    /// What is called.
    let url: String

    /// Runs `batchctl run` with an input and an output of this name, and more arguments.
    func run(
        _ input: String, to output: String = "out.jsonl", _ more: String...,
        environment: [String: String?] = [:]
    ) async throws -> Batchctl {
        try await Batchctl.run(
            arguments(input, to: output) + more, server: nil, environment: environment, in: scratch)
    }

    /// The command line of such a run.
    func arguments(_ input: String, to output: String = "out.jsonl") -> [String] {
        ["run", "-i", input, "-o", output.contains("/") ? output : scratch.path(output), "--base-url", url]
    }

    /// The lines of a file, without their line breaks.
    func lines(_ name: String = "out.jsonl") throws -> [String] {
        String(decoding: try scratch.read(name), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The objects on the lines of a file.
    func results(_ name: String = "out.jsonl") throws -> [ResultObject] {
        try lines(name).map { try JSONDecoder().decode(ResultObject.self, from: Data($0.utf8)) }
    }

    /// Names of what is in the folder besides the programs' own output.
    func leftovers(but names: String...) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path(".")).filter { name in
            !names.contains(name) && !["batchctl.", "backend", "check"].contains { name.hasPrefix($0) }
        }
    }
}

/// What tests look at in a result line.
struct ResultObject: Decodable {
    struct Response: Decodable {
        let status_code: Int
        let request_id: String
    }

    let id: String
    let custom_id: String
    let response: Response?
}

/// Runs a test with the scripted backend.
func withRun(_ body: (RunRig, Backend) async throws -> Void) async throws {
    try await withScratch { scratch in
        let backend = try await Backend.scripted(in: scratch)
        try await body(RunRig(scratch: scratch, url: backend.baseURL), backend)
    }
}

/// A request line for `url`.
func line(_ id: String, url: String = "/v1/chat/completions", body: String) -> String {
    #"{"custom_id":"\#(id)","method":"POST","url":"\#(url)","body":\#(body)}"#
}

/// A chat request that names `model`.
func chat(_ id: String, model: String? = "m", script: String = "") -> String {
    let named = model.map { #""model":"\#($0)","# } ?? ""
    return line(id, body: #"{\#(named)"messages":[{"role":"user","content":"hi"}]\#(script)}"#)
}

/// Lines as a file has them.
func file(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
