// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchFiles
import BatchStore
import BatchTesting
import Foundation
import Testing

@Suite(.serialized) struct `A batch in Bailian's manner` {
    private func submit(
        _ running: RunningCoordinator, _ text: String, endpoint: String = "/v1/chat/completions"
    ) async throws -> Batch {
        let file = try await running.upload(Array(text.utf8))
        var new = NewBatch(
            project: running.test.project, inputFileID: file.id.rawValue, endpoint: endpoint,
            window: try #require(CompletionWindow("24h", range: 1...Int64.max)),
            requestSHA256: [UInt8](repeating: 0, count: 32))
        new.profile = .bailian
        return try await running.test.store.insertBatch(new).batch
    }

    private func line(_ id: String, _ extra: String = "", url: String = "/v1/chat/completions") -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"\#(url)","body":{\#(extra)"model":"m","messages":[]}}"# + "\n"
    }

    /// The codes of the problems it fails with; empty when it does not fail.
    private func problems(
        _ running: RunningCoordinator, _ text: String, endpoint: String = "/v1/chat/completions"
    ) async throws -> [String] {
        let batch = try await submit(running, text, endpoint: endpoint)
        let end = try await running.wait(for: batch.id, in: [.failed, .inProgress])
        #expect(end.outputFileID == nil && end.errorFileID == nil)
        let pieces = (end.problems ?? "").components(separatedBy: #""code":""#).dropFirst()
        return pieces.map { String($0.prefix { $0 != "\"" }) }
    }

    @Test func `has files that show what they are, errors under both pairs of names, and no expiry`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await submit(running, inputLines(4))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            try await running.work { #"{"error":{"message":"no \#($0)","code":"bad"}}"# }
            let done = try await running.wait(for: batch.id, in: [.completed])
            let output = try #require(done.outputFileID)
            let error = try #require(done.errorFileID)
            #expect(output.rawValue.hasPrefix("file-batch_output-") && error.rawValue.hasPrefix("file-batch_error-"))
            #expect(done.provenanceFileID?.rawValue.hasPrefix("file-batch_provenance-") ?? false)
            for id in [output, error] {
                #expect(try await running.test.store.findFile(id, project: running.test.project)?.expiresAt == nil)
            }
            let good = try await running.lines(of: output)
            #expect(good.count == 2 && good.allSatisfy { $0.hasSuffix(#""error":null}"#) })
            let bad = try await running.lines(of: error)
            #expect(bad.count == 2 && bad[0].contains(#""status_code":400"#))
            #expect(
                bad[0].hasSuffix(
                    #""error":{"code":"bad","message":"no 1","error_code":"bad","error_message":"no 1"}}"#))
        }
    }

    @Test func `a refused upload leaves nothing in the vault`() async throws {
        var limits = Limits()
        limits.bailian.filesMax = 1
        try await RunningCoordinator.run(limits: limits) { running in
            for isRefused in [false, true] {
                let incoming = try await running.receiver.begin(as: .bailian)
                try Array("{}".utf8).withUnsafeBytes { try incoming.append($0) }
                do {
                    _ = try await incoming.commit(
                        project: running.test.project, purpose: .batch, filename: "f", expiresAfterSeconds: nil)
                    #expect(!isRefused)
                } catch let refusal as BatchError {
                    #expect(isRefused && refusal.code == "file_number_limit_exceeded")
                }
            }
            var keys: [String] = []
            for bucket in UInt8.min...UInt8.max {
                keys += try await running.vault.keys(inBucket: bucket, olderThan: .seconds(-60))
            }
            #expect(keys.count == 1)
        }
    }

    @Test func `tells what was not run under both pairs of names`() async throws {
        try await RunningCoordinator.run { running in
            let batch = try await submit(running, inputLines(2))
            _ = try await running.wait(for: batch.id, in: [.inProgress])
            _ = try await running.test.store.cancelBatch(batch.id, project: running.test.project)
            let done = try await running.wait(for: batch.id, in: [.cancelled])
            let lines = try await running.lines(of: done.errorFileID)
            #expect(lines.count == 2 && lines[0].contains(#""error_code":"batch_cancelled","error_message":""#))
            // A retry of it is of the same manner, and knows the ids.
            let retry = NewRetry(
                project: running.test.project, parent: batch.id, requestSHA256: [UInt8](repeating: 1, count: 32))
            let again = try await running.test.store.retryBatch(retry).batch
            #expect(again.profile == .bailian)
            #expect(try await running.wait(for: again.id, in: [.inProgress]).counts.total == 2)
        }
    }

    @Test func `is refused for mixed models, repeated ids and mixed thinking, but not for streams`() async throws {
        try await RunningCoordinator.run { running in
            let (on, off) = (#""enable_thinking":true,"#, #""enable_thinking":false,"#)
            let cases: [(String, [String])] = [
                (line("1") + line("2").replacing(#""m""#, with: #""n""#), ["mismatched_model"]),
                (line("1") + line("1"), ["duplicate_custom_id"]),
                (line("1", on) + line("2", off), ["mismatched_thinking_mode"]),
                (line("1", on) + line("2"), ["mismatched_thinking_mode"]),
                (line("1", on + #""stream":true,"#) + line("2", on), []),
                (line(String(repeating: "题", count: 256)), []),
                (line(String(repeating: "题", count: 257)), ["invalid_request"]),
            ]
            for (text, codes) in cases {
                let found = try await problems(running, text)
                #expect(found == codes, "\(text.prefix(400))")
            }
        }
    }

    @Test func `ends at limits of its own, the test model's at smaller ones`() async throws {
        var limits = Limits()
        limits.bailian.linesMax = 150
        limits.bailian.lineBytesMax = 2 << 20
        limits.bailian.fileBytesMax = 3 << 20
        try await RunningCoordinator.run(limits: limits) { running in
            let (chat, test) = (Endpoint.chatCompletions.rawValue, Endpoint.test.rawValue)
            func lines(_ count: Int, _ url: String) -> String {
                (0..<count).map { line("\($0)", url: url) }.joined()
            }
            let filler = String(repeating: "x", count: 1 << 20)
            let cases: [(String, String, [String])] = [
                (lines(100, test), test, []), (lines(101, test), test, ["too_many_requests"]),
                (lines(150, chat), chat, []), (lines(151, chat), chat, ["too_many_requests"]),
                (line("1", #""x":"\#(filler)","#, url: test), test, ["file_too_large"]),
                (line("1", #""x":"\#(filler)","#), chat, []),
                (line("1", #""x":"\#(filler + filler)","#), chat, ["line_too_long"]),
            ]
            for (text, endpoint, codes) in cases {
                let found = try await problems(running, text, endpoint: endpoint)
                #expect(found == codes, "\(text.prefix(100)) \(text.utf8.count)")
            }
        }
    }
}
