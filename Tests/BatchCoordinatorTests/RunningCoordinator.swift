// SPDX-License-Identifier: Apache-2.0

import BatchCoordinator
import BatchCore
import BatchFiles
import BatchStore
import BatchTesting
import BatchWebhook
import Curl
import Foundation
import Logging

/// A real coordinator on a real database and a real directory, run for as long as a test needs it.
struct RunningCoordinator: Sendable {
    let test: TestStore
    let vault: DirectoryVault
    let receiver: FileReceiver
    let coordinator: Coordinator
    let directory: String

    static func run<T: Sendable>(
        limits: Limits = Limits(), spoolMemoryBytesMax: Int = 32 << 20, writesProvenance: Bool = true,
        notify: @Sendable (inout NotifyConfiguration) -> Void = { _ in },
        knowsModel: @escaping @Sendable (String) -> Bool = { _ in true },
        _ body: @Sendable (RunningCoordinator) async throws -> T
    ) async throws -> T {
        let directory = NSTemporaryDirectory() + "shardline-coordinator-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let test = try await TestStore()
        let vault = try DirectoryVault(path: directory + "/vault")
        var configuration = CoordinatorConfiguration(limits: limits)
        configuration.spoolMemoryBytesMax = spoolMemoryBytesMax
        configuration.spoolDirectory = directory
        configuration.writesProvenance = writesProvenance
        configuration.pollEvery = .milliseconds(200)
        configuration.closeGrace = .seconds(2)
        notify(&configuration.notify)
        let engine = CurlEngine(EngineConfiguration(), logger: nil)
        let coordinator = Coordinator(
            configuration: configuration, store: test.store, vault: vault, id: .random(), modelIsKnown: knowsModel,
            sender: WebhookSender(engines: [engine]), remote: RemoteStores(engine: engine),
            logger: Logger(label: "coordinator"))
        let running = RunningCoordinator(
            test: test, vault: vault, receiver: FileReceiver(store: test.store, vault: vault, limits: limits),
            coordinator: coordinator, directory: directory)
        let task = Task { try await coordinator.run() }
        let result: Result<T, any Error>
        do { result = .success(try await body(running)) } catch { result = .failure(error) }
        task.cancel()
        _ = await task.result
        await engine.shutdown()
        await test.store.close()
        return try result.get()
    }

    func upload(_ bytes: [UInt8], purpose: FilePurpose = .batch) async throws -> StoredFile {
        let incoming = try await receiver.begin()
        try bytes.withUnsafeBytes { try incoming.append($0) }
        return try await incoming.commit(
            project: test.project, purpose: purpose, filename: "in.jsonl", expiresAfterSeconds: nil)
    }

    func submit(_ text: String, hours: Int = 24) async throws -> Batch {
        try await test.makeBatch(inputFileID: upload(Array(text.utf8)).id.rawValue, hours: hours)
    }

    /// Waits until the batch is in one of the states, by looking at the row; gives up after a while.
    func wait(for batch: BatchID, in states: Set<BatchStatus>) async throws -> Batch {
        try await eventually("\(batch) is in one of \(states.map(\.rawValue))") {
            guard let found = try await test.store.findBatch(batch, project: test.project) else { return nil }
            return states.contains(found.status) ? found : nil
        }
    }

    /// The lines of a result file.
    func lines(of id: FileID?) async throws -> [String] {
        guard let id else { return [] }
        guard let file = try await test.store.findFile(id, project: test.project) else { throw TestFault("no \(id)") }
        var bytes: [UInt8] = []
        for try await piece in try await vault.read(file.vaultKey, range: nil) { bytes += piece }
        guard Int64(bytes.count) == file.bytes else { throw TestFault("\(id) has another size than its row says") }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Plays the worker: claims everything that is ready and records every line, the odd ones as failures.
    func work(onlyLinesBelow limit: Int = .max, answer: @Sendable (Int) -> String = { #"{"n":\#($0)}"# }) async throws {
        let worker = WorkerID.random()
        var unfinished: [Lease] = []
        while true {
            let shards = try await test.store.claimShards(worker: worker, limit: 8, lease: .seconds(60))
            if shards.isEmpty { break }
            for shard in shards where try await !finish(shard, worker, limit, answer) { unfinished.append(shard.lease) }
        }
        // Given back at the end only, or they would be claimed again at once.
        if !unfinished.isEmpty { _ = try await test.store.releaseShards(worker: worker, unfinished) }
    }

    /// Whether every line of the shard is recorded.
    private func finish(
        _ shard: ClaimedShard, _ worker: WorkerID, _ limit: Int, _ answer: (Int) -> String
    ) async throws -> Bool {
        let lines = try LinePack(shard.pack).lines
        var done = shard.done
        // Backwards and in two checkpoints, so that input order has to be restored.
        let ordinals = lines.indices.reversed().filter { lines[$0].number < limit && !done.contains($0) }
        for (sequence, half) in [ordinals.filter { $0 % 3 == 0 }, ordinals.filter { $0 % 3 != 0 }].enumerated() {
            guard !half.isEmpty else { continue }
            var builder = SegmentPackBuilder()
            var completed: Int64 = 0
            for ordinal in half {
                done.insert(ordinal)
                let isOdd = lines[ordinal].number % 2 == 1
                completed += isOdd ? 0 : 1
                builder.append(
                    Outcome(
                        ordinal: ordinal, kind: isOdd ? .httpError : .success, statusCode: isOdd ? 400 : 200,
                        customID: lines[ordinal].customID, attempts: 1, usage: Usage(totalTokens: 2),
                        body: Array(answer(lines[ordinal].number).utf8)[...]))
            }
            let checkpoint = Checkpoint(
                lease: shard.lease, sequence: Int32(sequence), done: done, isLast: done.isFull, lineCount: half.count,
                completed: completed, failed: Int64(half.count) - completed,
                usage: Usage(totalTokens: 2 * Int64(half.count)), segment: builder.finish())
            let written = try await test.store.record(worker: worker, [checkpoint], lease: .seconds(60))
            guard !written.isEmpty else { throw TestFault("the lease of \(shard.lease.shard) was lost") }
        }
        return done.isFull
    }
}

/// An input file of `count` good lines called `id-1`, `id-2`, …
func inputLines(_ count: Int, model: String = "m") -> String {
    (1...count).map {
        #"{"custom_id":"id-\#($0)","method":"POST","url":"/v1/chat/completions","#
            + #""body":{"model":"\#(model)","messages":[]}}"# + "\n"
    }.joined()
}
