// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import Foundation
import ServerTesting
import Synchronization
import Testing

@testable import BatchAPI

/// What one call of the SDK came to.
private struct Met: Decodable {
    let status: Int
    let text: String
    var code: String?
    var request: String?
    var echo: Bool?
    var pause: String?
}

/// What many callers of the SDK came to.
private struct Tally: Decodable {
    var seconds: Double?
    let answers: Int
    let failures: [String]
}

/// A chat completion and two embeddings in one: every call of the SDK finds what it looks for.
private let success = LiveAnswer.success(
    #"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","#
        + #""message":{"role":"assistant","content":"西兰花"}}],"data":[{"object":"embedding","index":0,"#
        + #""embedding":[0.5]},{"object":"embedding","index":1,"embedding":[1]}],"#
        + #""usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#)

@Suite(.serialized) struct `Volcengine's runtime SDK` {
    private static let secret = "c2VjcmV0LXNlY3JldA=="

    private func run<Found: Decodable>(
        _ mode: String, _ desk: RunningDesk, _ arguments: [String], as type: Found.Type
    ) async throws -> Found {
        try await withScratch { scratch in
            let process = try ChildProcess(
                Products.python(),
                [Products.script("ark_runtime.py"), mode, "http://127.0.0.1:\(desk.port)/api/v3", desk.key] + arguments,
                environment: ["NO_PROXY": "127.0.0.1"], name: "runtime", in: scratch)
            guard try await process.end(within: .seconds(120)) == .exited(0) else {
                throw RawFault(description: process.errors)
            }
            return try JSONDecoder().decode(Found.self, from: Data(process.output.utf8))
        }
    }

    @Test func `is answered by every route, and refused in words it shows`() async throws {
        let lane = ScriptedLane { _ in success }
        var limits = Limits()
        limits.ark.models = ArkModels(["ep-tiny": "tiny"])
        let desk = try await RunningDesk.start(limits: limits, live: lane)
        try await desk.addAccessKey("AKLTgood", secret: Self.secret, to: desk.project)
        let met = try await run("calls", desk, ["tiny", "AKLTgood", Self.secret], as: [String: Met].self)
        for name in ["chat", "deprecated chat", "signed", "signed again", "async chat"] {
            #expect(met[name]?.status == 200 && met[name]?.text == "西兰花", "\(name): \(met)")
        }
        for name in ["embeddings", "async embeddings"] { #expect(met[name]?.text == "2", "\(name): \(met)") }
        for name in ["multimodal", "async multimodal"] { #expect(met[name]?.text == "True", "\(name): \(met)") }
        for (name, status, code) in [
            ("no messages", 400, "invalid_value"), ("streamed", 400, "unsupported_value"),
            ("unknown model", 404, "InvalidEndpointOrModel.NotFound"), ("wrong key", 401, "invalid_api_key"),
            ("signed for another", 403, "AccessDenied"),
        ] {
            let refusal = try #require(met[name], "\(name)")
            #expect(refusal.status == status && refusal.code == code && refusal.pause == nil, "\(name): \(refusal)")
            #expect(refusal.request?.hasPrefix("req_") == true && refusal.echo == true, "\(name): \(refusal)")
        }
        for request in lane.requests {
            #expect(!String(decoding: request.body, as: UTF8.self).contains(":null"), "options without a value stayed")
        }
        #expect(Set(lane.requests.map(\.model)) == ["tiny"])
        try await desk.stop()
    }

    @Test func `runs the document's example`() async throws {
        let lane = ScriptedLane { _ in success }
        let desk = try await RunningDesk.start(live: lane)
        let tally = try await run("example", desk, ["tiny", "100", "5"], as: Tally.self)
        #expect(tally.answers == 500 && tally.failures.isEmpty)
        #expect(lane.requests.count == 500)
        try await desk.stop()
    }

    @Test(arguments: [429, 503])
    func `pauses when it is told to and never repeats without a pause`(status: Int) async throws {
        let refused = Mutex(0)
        let lane = ScriptedLane { _ in
            let number = refused.withLock { refused in
                refused += 1
                return refused
            }
            guard number > 4 else {
                throw BatchError(
                    status: status, type: "rate_limit_error", message: "wait", retryAfterSeconds: 1)
            }
            return success
        }
        let desk = try await RunningDesk.start(live: lane)
        let tally = try await run("retries", desk, ["tiny", "4"], as: Tally.self)
        #expect(tally.answers == 4 && tally.failures.isEmpty)
        // Four callers were refused once, and each came again once: nobody asked while the breaker was closed.
        #expect(lane.requests.count == 8)
        #expect(try #require(tally.seconds) >= 1)
        try await desk.stop()
    }
}
