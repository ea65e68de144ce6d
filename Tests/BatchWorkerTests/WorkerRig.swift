// SPDX-License-Identifier: Apache-2.0
import BatchCore
import BatchInference
import BatchStore
import BatchWorker
import Curl
import HTTPTesting
import Logging
import ServerTesting
import ServiceLifecycle
import Synchronization

/// A worker under a service group, with a real store, a real HTTP client and a scripted backend for model `m`.
final class WorkerRig: Sendable {
    let id = WorkerID.random()
    let server: ScriptedServer
    let worker: Worker
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    /// Starts a worker; leases and intervals are short unless `adjust` says otherwise.
    init(
        store: Store, concurrency: Int = 8, attemptsMax: Int = 5, patience: Duration = .seconds(3_600),
        clusterConcurrency: Int? = nil, server: ScriptedServer? = nil,
        adjust: (inout WorkerConfiguration) -> Void = { _ in },
        script: @escaping ScriptedServer.Script
    ) throws {
        self.server = try server ?? ScriptedServer(script)
        var configuration = WorkerConfiguration()
        configuration.concurrency = concurrency
        configuration.lease = .seconds(5)
        configuration.renewEvery = .milliseconds(200)
        configuration.checkpointEvery = .milliseconds(50)
        configuration.pollEvery = .milliseconds(100)
        configuration.farewellDeadline = .seconds(5)
        adjust(&configuration)
        var backend = BackendConfiguration(
            name: "scripted", baseURL: self.server.url("/v1"), models: [.exact("m")], concurrency: 1_000,
            attemptsMax: attemptsMax, backoffFirst: .milliseconds(5), backoffMax: .milliseconds(20))
        backend.outagePatience = patience
        backend.clusterConcurrency = clusterConcurrency
        let backends = try BackendSet([backend], version: "0")
        let quiet = Logger(label: "worker") { _ in SwiftLogNoOpLogHandler() }
        worker = Worker(
            configuration: configuration, store: store, backends: backends,
            caller: LineCaller(
                engines: CallEngines(connections: concurrency, userAgent: "test", logger: nil), worker: id),
            id: id, logger: quiet)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)], logger: quiet)
        )
        self.group = group
        task = Task { try await group.run() }
    }

    /// As told once: returns when the worker has left.
    func shutDown() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }

    /// Tells it once, without waiting.
    func beginShutDown() async {
        await group.triggerGracefulShutdown()
    }

    /// Waits until it has left.
    func wait() async throws {
        try await task.value
    }

    /// As told twice: returns when the worker has left.
    func abort() async throws {
        task.cancel()
        // The group reports its own cancellation; the worker has ended either way.
        _ = await task.result
    }
}

/// Waits until `condition` holds.
func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    _ = try await eventually(what) { try await condition() ? true : nil }
}

/// Counts from any thread.
final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// Counts one more of `name`; returns how many that makes.
    @discardableResult
    func add(_ name: String = "") -> Int {
        counts.withLock {
            $0[name, default: 0] += 1
            return $0[name, default: 0]
        }
    }

    /// How many there are.
    func count(_ name: String = "") -> Int { counts.withLock { $0[name] ?? 0 } }
}

extension Store {
    /// Every recorded outcome of a batch by custom id token; more than one for an id is a fault.
    func outcomes(of batch: BatchID, shards: Int) async throws -> [String: [Outcome]] {
        try await readResults(of: batch) { reader in
            var found: [String: [Outcome]] = [:]
            for number in 0..<Int32(shards) {
                try reader.forEachSegment(ofShard: number) { frame in
                    for outcome in try SegmentPack(frame).outcomes {
                        found[String(decoding: outcome.customID, as: UTF8.self), default: []].append(outcome)
                    }
                }
            }
            return found
        }
    }

    /// How many lines of a batch have a recorded result.
    func doneLines(of batch: Batch) async throws -> Int64 {
        let counts = try await findBatch(batch.id, project: batch.project)?.counts ?? RequestCounts()
        return counts.completed + counts.failed
    }
}
