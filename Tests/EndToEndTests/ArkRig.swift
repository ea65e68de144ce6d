// SPDX-License-Identifier: Apache-2.0

import BatchFiles
import Foundation
import PostgresTesting
import ServerTesting
import StorageTesting
import Testing

/// A daemon with an access key and a bucket of the real store, which it takes for one of TOS.
struct ArkRig {
    let rig: RemoteRig
    let scratch: Scratch
    let backend: Backend
    let standalone: Standalone
    /// Access key and secret.
    let pair: (key: String, secret: String)

    /// Runs a test with all of it.
    static func run(_ more: [String] = [], _ body: (ArkRig) async throws -> Void) async throws {
        try await RemoteRig.run { rig, scratch in
            let backend = try await Backend.scripted(in: scratch)
            let stores = try [
                rig.entry("tos", buckets: rig.bucket, projects: "default").replacing("type: s3", with: "type: tos")
            ]
            let standalone = try await Standalone.start(
                in: scratch, backend: backend, arguments: rig.arguments(scratch, stores: stores, more: more))
            let made = try ChildProcess(
                Products.program("batchd"),
                ["access-keys", "create", "--project", "default", "--data-dir", scratch.path("data")],
                name: "access-keys", in: scratch)
            guard try await made.end() == .exited(0) else { throw HarnessError(made.logTail) }
            let parts = made.output.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "\t")
            guard parts.count == 2 else { throw HarnessError(made.output) }
            try await body(
                ArkRig(
                    rig: rig, scratch: scratch, backend: backend, standalone: standalone,
                    pair: (String(parts[0]), String(parts[1]))))
        }
    }

    /// `host:port` of the daemon.
    var host: String { standalone.server.url.replacing("http://", with: "") }

    /// Runs a program of Tests/Python as somebody who has the access key, and returns what it prints, as JSON.
    func python(_ script: String, _ arguments: [String]) async throws -> Any {
        let process = try ChildProcess(
            Products.python(), [Products.script(script), host, pair.key, pair.secret] + arguments, name: "client",
            in: scratch)
        guard try await process.end(within: .seconds(150)) == .exited(0) else { throw HarnessError(process.logTail) }
        return try JSONSerialization.jsonObject(with: Data(process.output.utf8))
    }

    /// Makes calls (see Tests/Python/ark_jobs.py), one after the other.
    func call(_ calls: String...) async throws -> [[String: Any]] {
        let answers = try await python("ark_jobs.py", ["[\(calls.joined(separator: ","))]"]) as? [[String: Any]] ?? []
        guard answers.count == calls.count else { throw HarnessError("\(answers)") }
        return answers
    }

    /// Does something with a job.
    func call(_ action: String, _ id: String) async throws -> [String: Any] {
        try await call(#"{"action":"\#(action)BatchInferenceJob","fields":{"Id":"\#(id)"}}"#)[0]
    }

    /// Makes a job of `key`.
    func create(_ key: String = "in.jsonl", more: String = "") async throws -> [String: Any] {
        try await call(
            """
            {"typed":"create","fields":{"Name":"job","ModelReference":
            {"FoundationModel":{"Name":"doubao","ModelVersion":"1"}},
            "InputFileTosLocation":{"BucketName":"\(rig.bucket)","ObjectKey":"\(key)"},
            "OutputDirTosLocation":{"BucketName":"\(rig.bucket)","ObjectKey":"out/"}\(more)}}
            """)[0]
    }

    /// A job once it is in that phase.
    func job(_ id: String, in phase: String) async throws -> [String: Any] {
        try await eventually("\(id) in \(phase)", within: .seconds(60)) {
            let job = try await call("Get", id)["result"] as? [String: Any] ?? [:]
            return Self.status(job)["Phase"] == phase ? job : nil
        }
    }

    /// `Status` of a job.
    static func status(_ job: [String: Any]) -> [String: String] { job["Status"] as? [String: String] ?? [:] }

    /// The lines of an object.
    func lines(_ key: String) async throws -> [[String: Any]] {
        try await rig.bytes(key).split(separator: UInt8(ascii: "\n")).map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        }
    }

    /// Lines in the manner of Ark, which name neither path nor model; `steps` are those of the scripted backend.
    static func input(_ count: Int, steps: (Int) -> [String] = { _ in ["ok"] }) -> [UInt8] {
        (0..<count).flatMap { number in
            let script = steps(number).map { "\"\($0)\"" }.joined(separator: ",")
            return Array(
                (#"{"custom_id": "request-\#(number)", "body": {"messages": [{"role": "user", "content": "天空为什么这么蓝?"}],"#
                    + #""max_tokens": 1000, "top_p":1, "script":{"nonce":"n-\#(number)","steps":[\#(script)]}}}"# + "\n")
                    .utf8)
        }
    }

    /// How often the backend was called for each nonce.
    func calls() throws -> [String: Int] {
        let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
        return log.split(separator: "\n").reduce(into: [:]) { counts, line in
            let entry = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
            guard entry?["event"] as? String == "received", let nonce = entry?["nonce"] as? String else { return }
            counts[nonce, default: 0] += 1
        }
    }
}
