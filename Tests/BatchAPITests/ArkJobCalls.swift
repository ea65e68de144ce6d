// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchStore
import Foundation
import ServerTesting
import Testing

@testable import BatchAPI

/// What Tests/Python/ark_jobs.py got for one call.
struct ArkAnswer {
    let status: Int
    let code: String
    let message: String
    let result: [String: Any]

    init(_ entry: [String: Any]) {
        status = entry["status"] as? Int ?? 0
        code = entry["code"] as? String ?? ""
        message = entry["message"] as? String ?? ""
        result = entry["result"] as? [String: Any] ?? [:]
    }

    var id: String { result["Id"] as? String ?? result["id"] as? String ?? "" }
    /// Of a job: its phase.
    var phase: String { (result["Status"] as? [String: Any])?["Phase"] as? String ?? "" }
    /// Of a list: the ids.
    var ids: [String] {
        let items = (result["Items"] ?? result["items"]) as? [[String: Any]] ?? []
        return items.compactMap { ($0["Id"] ?? $0["id"]) as? String }
    }
}

/// A desk with an access key, called through the official SDK.
struct ArkDesk {
    static let secret = "VFc5eVpTQnBiWEJ2Y25SaGJuUT0=="
    let desk: RunningDesk
    var key = "AKLTown"

    static func run(limits: Limits = Limits(), _ body: (ArkDesk) async throws -> Void) async throws {
        let desk = try await RunningDesk.start(limits: limits)
        try await desk.addAccessKey("AKLTown", secret: secret, to: desk.project)
        do {
            try await body(ArkDesk(desk: desk))
        } catch {
            try await desk.stop()
            throw error
        }
        try await desk.stop()
    }

    /// The same desk, entered by somebody of another tenant.
    func stranger() async throws -> ArkDesk {
        let project = try await desk.store.ensureProject(name: "stranger")
        try await desk.addAccessKey("AKLTother", secret: Self.secret, to: project)
        return ArkDesk(desk: desk, key: "AKLTother")
    }

    /// Makes calls, each a JSON text (see the program), by one client, one after the other.
    func call(_ calls: [String]) async throws -> [ArkAnswer] {
        try await withScratch { scratch in
            let process = try ChildProcess(
                Products.python(),
                [
                    Products.script("ark_jobs.py"), "127.0.0.1:\(desk.port)", key, Self.secret,
                    "[\(calls.joined(separator: ","))]",
                ], name: "call", in: scratch)
            guard try await process.end(within: .seconds(60)) == .exited(0) else {
                throw RawFault(description: process.errors)
            }
            let answers = try JSONSerialization.jsonObject(with: Data(process.output.utf8)) as? [[String: Any]]
            let found = (answers ?? []).map(ArkAnswer.init)
            #expect(found.count == calls.count)
            return found
        }
    }

    /// Makes one call.
    func call(_ text: String) async throws -> ArkAnswer { try #require(try await call([text]).first) }

    /// A call of an action.
    static func any(_ action: String, _ fields: String = "{}", method: String = "POST") -> String {
        #"{"action":"\#(action)BatchInferenceJob","fields":\#(fields),"method":"\#(method)"}"#
    }

    /// A typed call that creates a job; `input` is the key of its file, `more` members that follow.
    static func create(_ input: String = "in.jsonl", more: String = "") -> String {
        """
        {"typed":"create","fields":{"Name":"批量-1","ModelReference":
        {"FoundationModel":{"Name":"doubao-pro-32k","ModelVersion":"240615"}},
        "InputFileTosLocation":{"BucketName":"inputs","ObjectKey":"\(input)"},
        "OutputDirTosLocation":{"BucketName":"outputs","ObjectKey":"out"}\(more)}}
        """
    }

    /// A call that lists.
    static func list(_ fields: String = "{}") -> String {
        #"{"action":"ListBatchInferenceJobs","fields":\#(fields)}"#
    }

    /// Ends a job that has been admitted as one whose file cannot be run.
    func fail(_ id: String) async throws {
        _ = try await desk.store.admitJobs(runningMax: 0)
        while let duty = try await desk.store.claimFetch(
            owner: .random(), lease: .seconds(60), perProjectMax: 100)
        {
            guard duty.lease.batch.rawValue == id else { continue }
            let problem = LineProblem(code: "invalid_json_line", param: nil, line: 3, message: "This is no JSON.")
            let text = JSONValue.array([problem.errorObject]).text
            let isRefused = try await desk.store.refuseBatch(duty.lease, problems: text, event: .random())
            #expect(isRefused)
            return
        }
        throw RawFault(description: "\(id) is not offered")
    }
}
