// SPDX-License-Identifier: Apache-2.0
import BatchCoordinator
import BatchCore
import BatchInference
import BatchStore
import BatchTesting
import HTTPTesting
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import BatchWorker

/// Requests that are answered by one process and forgotten with it.
@Suite(.timeLimit(.minutes(3)))
struct MemoryLaneTests {
    /// A lane under a service group, over a scripted backend for model `m`.
    private final class Rig: Sendable {
        let lane: MemoryLane
        let server: ScriptedServer
        private let group: ServiceGroup
        private let task: Task<Void, any Error>

        init(
            _ store: Store, concurrency: Int = 8, limits: MemoryLimits = MemoryLimits(),
            script: @escaping ScriptedServer.Script
        ) throws {
            server = try ScriptedServer(script)
            var configuration = WorkerConfiguration()
            configuration.concurrency = concurrency
            configuration.drainDeadline = .zero
            let backend = BackendConfiguration(
                name: "scripted", baseURL: server.url("/v1"), models: [.exact("m")], concurrency: concurrency)
            let quiet = Logger(label: "memory") { _ in SwiftLogNoOpLogHandler() }
            let id = WorkerID.random()
            lane = MemoryLane(
                limits: limits, configuration: configuration, store: store,
                backends: try BackendSet([backend], version: "0"),
                caller: LineCaller(
                    engines: CallEngines(connections: concurrency, userAgent: "test", logger: nil), worker: id),
                id: id, logger: quiet)
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: lane, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: quiet))
            self.group = group
            task = Task { try await group.run() }
        }

        func ask(_ text: String, key: Int64 = 1, wait: Duration = .seconds(600)) async throws -> String {
            let request = MemoryRequest(
                party: .init(
                    project: ProjectID(rawValue: "proj_a"), key: key, endpoint: "/v1/chat/completions", model: "m"),
                body: Array(#"{"text":"\#(text)"}"#.utf8), wait: wait)
            return String(decoding: try await lane.outcome(of: request).body, as: UTF8.self)
        }

        func shutDown() async throws {
            await group.triggerGracefulShutdown()
            try await task.value
        }
    }

    @Test func `requests are answered without a row anywhere`() async throws {
        let test = try await TestStore()
        let rig = try Rig(test.store) { request, connection in try connection.respond(text: request.text) }
        #expect(rig.lane.serves(model: "m", endpoint: "/v1/chat/completions"))
        #expect(!rig.lane.serves(model: "other", endpoint: "/v1/chat/completions"))
        let live = LiveRig(
            test,
            memory: MemoryAnswering(
                serves: { rig.lane.serves(model: $0, endpoint: $1) },
                outcome: { request in
                    try await rig.lane.outcome(
                        of: MemoryRequest(
                            party: .init(
                                project: request.project, key: request.key, endpoint: request.endpoint,
                                model: request.model), body: request.body, wait: request.wait))
                }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let answer = try await live.ask("\(number)", key: Int64(number % 3), isDurable: false)
                    #expect(answer.text == #"{"model":"m","text":"\#(number)"}"#)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await test.number("select count(*) from batches") == 0 && rig.lane.held == 0)
        // Nobody here has a backend for it: it is stored, and waits for a worker that has.
        let stored = Task { try await live.ask("x", model: "other", isDurable: false) }
        try await until("it is stored") { try await test.number("select count(*) from live_requests") == 1 }
        stored.cancel()
        _ = await stored.result
        try await live.shutDown()
        try await rig.shutDown()
    }

    @Test func `what was begun is kept for the same request sent again, and what waits is dropped`() async throws {
        let test = try await TestStore()
        let (started, go) = (TestSignal("the call started"), TestSignal("the call may end"))
        let rig = try Rig(test.store, concurrency: 1) { request, connection in
            started.fire()
            try go.waitOnThread()
            try connection.respond(text: request.text)
        }
        let first = Task { try await rig.ask("once") }
        try await started.wait()
        let second = Task { try await rig.ask("dropped") }
        try await until("both are held") { rig.lane.held == 2 }
        first.cancel()
        second.cancel()
        for task in [first, second] { await #expect(throws: CancellationError.self) { try await task.value } }
        let again = Task { try await rig.ask("once") }
        try await until("it is held") { rig.lane.held == 1 }
        go.fire()
        #expect(try await again.value == #"{"text":"once"}"#)
        #expect(rig.server.requestCount == 1)
        try await rig.shutDown()
    }

    @Test func `it is bounded, keeps deadlines, and says at the end when to come again`() async throws {
        let test = try await TestStore()
        var limits = MemoryLimits()
        limits.requestsMax = 2
        let never = TestSignal("the end of the test")
        let rig = try Rig(test.store, concurrency: 1, limits: limits) { _, _ in try never.waitOnThread() }
        let asking = (0..<2).map { number in Task { try await rig.ask("\(number)") } }
        try await until("both are held") { rig.lane.held == 2 }
        let full = await #expect(throws: BatchError.self) { try await rig.ask("more") }
        #expect(full?.status == 429 && full?.retryAfterSeconds == 5)
        try await rig.shutDown()
        for task in asking {
            let error = await #expect(throws: BatchError.self) { try await task.value }
            #expect(error?.status == 503 && error?.retryAfterSeconds == 1)
        }
        never.fire()
    }
}

/// The queue alone: no clock, no waiting.
struct MemoryQueueTests {
    private let now = ContinuousClock.now

    private func request(_ text: String, key: Int64 = 1, project: String = "a", wait: Duration = .seconds(60))
        -> MemoryRequest
    {
        MemoryRequest(
            party: .init(project: ProjectID(rawValue: project), key: key, endpoint: "/v1/e", model: "m"),
            body: Array(text.utf8), wait: wait)
    }

    private func outcome(_ bytes: Int = 2) -> Outcome { ShardSamples.outcome(0, bytes: bytes) }

    @Test func `projects share, then the keys of a project, and each key is served in order`() throws {
        var queue = MemoryQueue(limits: MemoryLimits())
        for number in 0..<20 { _ = try queue.admit(request("a1/\(number)", key: 1), at: now) }
        for number in 0..<20 { _ = try queue.admit(request("a2/\(number)", key: 2), at: now) }
        for number in 0..<20 { _ = try queue.admit(request("b/\(number)", key: 3, project: "b"), at: now) }
        let claims = queue.claim(16, excluding: [], at: now)
        let counts = Dictionary(grouping: claims) { $0.lease.shard.batch }.mapValues(\.count)
        #expect(counts.values.sorted() == [4, 4, 8])
        for batch in counts.keys {
            let numbers = claims.filter { $0.lease.shard.batch == batch }.map(\.lease.shard.number)
            #expect(numbers == numbers.sorted())
        }
    }

    @Test func `outcomes that nobody took are kept in bounds, and the oldest go first`() throws {
        var limits = MemoryLimits()
        limits.keptBytesMax = 250
        limits.keptFor = .seconds(10)
        var queue = MemoryQueue(limits: limits)
        for number in 0..<3 {
            let (id, _) = try queue.admit(request("\(number)"), at: now)
            let claims = queue.claim(1, excluding: [], at: now)
            _ = queue.leave(id)
            let told = queue.finish(try #require(claims.first).lease, outcome(100), at: now + .seconds(number))
            #expect(told == nil)
        }
        // The bytes of three are too many; one takes each.
        let asked = try ["0", "1", "1"].map { try queue.admit(request($0), at: now).isNew }
        #expect(asked == [true, false, true])
        _ = queue.expire(at: now + .seconds(12))
        let late = try queue.admit(request("2"), at: now + .seconds(12))
        #expect(late.isNew)
    }

    @Test func `what the worker gives back is claimed again under a new epoch, first of its key`() throws {
        var queue = MemoryQueue(limits: MemoryLimits())
        for number in 0..<2 { _ = try queue.admit(request("\(number)"), at: now) }
        let claims = queue.claim(1, excluding: [], at: now)
        let first = try #require(claims.first)
        queue.release(first.lease)
        #expect(!queue.holds(first.lease))
        let more = queue.claim(1, excluding: [], at: now)
        let again = try #require(more.first)
        #expect(again.lease.shard == first.lease.shard && again.lease.epoch == 2)
        let told = queue.finish(first.lease, outcome(), at: now)
        #expect(told == nil && queue.holds(again.lease))
    }
}
