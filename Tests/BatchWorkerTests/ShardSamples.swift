// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference

@testable import BatchWorker

/// Shards, routes and results made for tests.
enum ShardSamples {
    /// The frame of a shard of `lines` lines.
    static func pack(_ lines: Int) -> [UInt8] {
        var builder = LinePackBuilder(linesMax: max(lines, 1), bytesMax: .max)
        for line in 0..<lines {
            let id = Array("\"id-\(line)\"".utf8)
            let body = Array(#"{"n":\#(line)}"#.utf8)
            id.withUnsafeBytes { id in
                body.withUnsafeBytes { body in builder.append(number: line + 1, endpoint: nil, customID: id, body: body)
                }
            }
        }
        return builder.finish()
    }

    /// A claim of a shard with `lines` lines, of which `done` have results.
    static func claim(
        _ number: Int32 = 0, batch: String = "batch_a", lines: Int = 3, done: [Int] = [], secondsLeft: Double = 1_000,
        model: String = Endpoint.testModel, endpoint: String = Endpoint.test.rawValue, project: String = "proj_a",
        lane: Lane = .normal, priority: Int16 = 0, isUrgent: Bool = false, moved: [Int] = []
    ) -> ClaimedShard {
        var set = LineSet(lineCount: lines)
        for line in done { set.insert(line) }
        var others = LineSet(lineCount: lines)
        for line in moved { others.insert(line) }
        return ClaimedShard(
            lease: Lease(shard: ShardKey(batch: BatchID(rawValue: batch), number: number), epoch: 1),
            project: ProjectID(rawValue: project), lane: lane, priority: priority, isUrgent: isUrgent,
            endpoint: endpoint, model: model, expiresAt: 0, secondsLeft: secondsLeft, lineCount: lines, done: set,
            moved: others, pack: pack(lines))
    }

    /// Backends named by their models, each with room for `concurrency` calls.
    static func backends(_ models: String..., concurrency: Int = 1_000) throws -> BackendSet {
        try BackendSet(
            models.map {
                BackendConfiguration(
                    name: $0, baseURL: "http://127.0.0.1:9", models: [.exact($0)], concurrency: concurrency)
            }, version: "0")
    }

    /// The result of a line.
    static func outcome(_ ordinal: Int, succeeds: Bool = true, bytes: Int = 2) -> Outcome {
        Outcome(
            ordinal: ordinal, kind: succeeds ? .success : .httpError, statusCode: succeeds ? 200 : 400,
            customID: Array("\"id-\(ordinal)\"".utf8)[...], attempts: 1, usage: Usage(totalTokens: 1),
            body: [UInt8](repeating: UInt8(ascii: "1"), count: bytes)[...])
    }
}
