// SPDX-License-Identifier: Apache-2.0

import BatchCore
import BatchStore
import Foundation
import Logging
import Postgres
import PostgresTesting
import ServerTesting
import StorageTesting
import Testing

/// Coordinators and workers as processes of their own, a bucket of the real store that they take for one of TOS, and
/// Ark jobs that the test makes, stops and resumes in the database.
struct ArkFleet {
    let rig: RemoteRig
    let scratch: Scratch
    let fleet: Fleet
    let backend: Backend
    let store: Store
    let project: ProjectID

    /// Runs a test with all of it but processes.
    static func run(_ body: (ArkFleet) async throws -> Void) async throws {
        try await RemoteRig.run { rig, scratch in
            let fleet = try await Fleet.prepared(in: scratch, postgres: .shared())
            let store = Store(configuration: PoolConfiguration(url: fleet.database), logger: Logger(label: "jobs"))
            let jobs = ArkFleet(
                rig: rig, scratch: scratch, fleet: fleet, backend: try await Backend.scripted(in: scratch),
                store: store, project: try await store.ensureProject(name: "tests"))
            do {
                try await body(jobs)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    /// Arguments of a coordinator that enters the bucket and takes over soon.
    ///
    /// - Parameters:
    ///   - sink: URL that is told of every end in Ark's form.
    ///   - takesResults: whether the keys are for more than the inputs.
    func arguments(_ more: [String] = [], sink: String? = nil, takesResults: Bool = true) throws -> [String] {
        let entry = try rig.entry("tos", buckets: rig.bucket + (takesResults ? "" : "/in/"), projects: "tests")
        let sinks = sink.map { "sinks:\n  - name: ark\n    type: http\n    format: ark\n    url: \($0)\n" } ?? ""
        return try rig.arguments(
            scratch, stores: [entry.replacing("type: s3", with: "type: tos") + sinks],
            more: ["coordinator.duty_lease=2s", "coordinator.duty_renew_every=500ms", "coordinator.close_grace=2s"]
                + more)
    }

    /// A job of the object `in/<name>`, whose files go below `out/`.
    func create(_ name: String = "in", window: String = "1d") async throws -> BatchID {
        let time = try #require(CompletionWindow(window, range: 1...Int64.max))
        var batch = NewBatch(
            project: project, inputFileID: "", endpoint: "/v1/chat/completions", window: time,
            requestSHA256: [UInt8](repeating: 0, count: 32))
        batch.model = "scripted"
        let job = NewArkBatch(
            batch: batch, projectName: "default", accessKeyID: "AK", name: "job-\(name)",
            model: .custom(id: "scripted"), input: try StoredObject(.tos, bucket: rig.bucket, key: "in/\(name)"),
            outputFolder: try StoredObject(.tos, bucket: rig.bucket, key: "out/"))
        return try #require(await store.insertArkBatch(job, limits: ArkLimits(), isDryRun: false))
    }

    /// Puts `count` lines; each tells the scripted backend what to do.
    func put(_ count: Int, as name: String = "in", steps: (Int) -> String = { _ in "ok" }) async throws {
        let lines = (0..<count).map { number in
            #"{"custom_id":"id-\#(number)","body":{"messages":[],"script":{"nonce":"\#(name)-\#(number)","#
                + #""steps":["\#(steps(number))"]}}}"# + "\n"
        }
        try await rig.put("in/\(name)", Array(lines.joined().utf8))
    }

    func stop(_ job: BatchID) async throws {
        _ = try await store.cancelBatch(job, project: project, inArk: true)
    }

    func resume(_ job: BatchID) async throws -> Batch { try await store.reopenBatch(job, project: project) }

    func find(_ job: BatchID) async throws -> Batch {
        try #require(await store.findArkBatch(job, project: project)).batch
    }

    /// The job once it fulfils a condition.
    @discardableResult
    func wait(
        _ job: BatchID, _ what: String, _ condition: @escaping (Batch) -> Bool
    ) async throws -> Batch {
        try await eventually("\(job): \(what)", within: .seconds(90)) {
            let batch = try await find(job)
            return condition(batch) ? batch : nil
        }
    }

    /// The job once it has ended.
    func end(_ job: BatchID) async throws -> Batch { try await wait(job, "its end") { $0.status.isTerminal } }

    /// The lines of one of its objects.
    func lines(_ job: BatchID, _ file: String) async throws -> [[String: Any]] {
        try await rig.bytes("out/\(job)/\(file).jsonl").split(separator: UInt8(ascii: "\n")).map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        }
    }

    /// Output and error file of an ended job: every line once, each file in input order, as the counts say.
    func files(_ batch: Batch) async throws -> (good: [Int], bad: [Int]) {
        let objects = try await rig.keys("out/\(batch.id)/")
        func numbers(_ file: String) async throws -> [Int] {
            guard objects.contains("out/\(batch.id)/\(file).jsonl") else { return [] }
            return try await lines(batch.id, file).map { line in
                let isGood = file.hasPrefix("output")
                #expect((line["response"] is NSNull) == !isGood && (line["error"] is NSNull) == isGood)
                return try #require(Int((line["custom_id"] as? String ?? "").dropFirst("id-".count)))
            }
        }
        let (good, bad) = (try await numbers("output/results"), try await numbers("error/errors"))
        #expect(good == good.sorted() && bad == bad.sorted())
        #expect((good + bad).sorted() == Array(0..<Int(batch.counts.total)))
        #expect(Int64(good.count) == batch.counts.completed)
        return (good, bad)
    }

    /// How often the backend was called for each line of an input.
    func calls(_ name: String = "in") throws -> [Int: Int] {
        let log = try String(contentsOfFile: backend.logPath, encoding: .utf8)
        return log.split(separator: "\n").reduce(into: [:]) { counts, line in
            let entry = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
            guard entry?["event"] as? String == "received", let nonce = entry?["nonce"] as? String,
                nonce.hasPrefix("\(name)-"), let number = Int(nonce.dropFirst(name.count + 1))
            else { return }
            counts[number, default: 0] += 1
        }
    }
}
